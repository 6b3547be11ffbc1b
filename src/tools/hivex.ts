import type { Question } from './guestfs.ts';

/** Files of the current folder: the handles of a key and of a value, as hivex prints them. */
const [keyFile, valueFile] = ['hivex-key', 'hivex-value'];

/** A command of guestfish(1) that needs the handle in a file, where that is one: hivex prints 0 for what is not there. */
function withHandle(file: string, command: string): Question {
  return { line: `<! read handle < ${file}; if [ "\${handle:-0}" -gt 0 ]; then printf '%s\\n' "${command}"; fi` };
}

/**
 * Opens a hive and goes down to a key, whose parts are by `\`: hivex(3) by guestfish(1), so that the appliance alone reads what a
 * guest has written. It has no variables: a handle lies in a file, and a line of `<!` is what a program prints.
 */
export function openKey(hive: string, key: string): Question[] {
  return [
    ['hivex-open', hive],
    { line: `-hivex-root | cat > ${keyFile}` },
    ...key.split('\\').map((part) => withHandle(keyFile, `-hivex-node-get-child $handle '${part}' | cat > ${keyFile}`)),
  ];
}

/**
 * Prints of a value of the open key: `key`, its handle, which is 0 if there is no such key and empty if it cannot be read; `value` and
 * its handle in the same way; then its text.
 */
export function showValue(name: string): Question[] {
  return [
    { line: `<! read handle < ${keyFile}; printf 'echo "key %s"\\n' "$handle"; : > ${valueFile}` },
    withHandle(keyFile, `-hivex-node-get-value $handle '${name}' | cat > ${valueFile}`),
    { line: `<! read handle < ${valueFile}; printf 'echo "value %s"\\n' "$handle"` },
    withHandle(valueFile, '-hivex-value-string $handle'),
  ];
}

/** What `showValue` has printed: the text of a value, `absent`, or `unreadable`. */
export function valueIn(printed: readonly string[]): { text: string } | 'absent' | 'unreadable' {
  const [key = '', value = '', ...text] = printed;
  if (key === 'key 0' || (/^key \d+$/.test(key) && value === 'value 0')) return 'absent';
  return /^key \d+$/.test(key) && /^value \d+$/.test(value) ? { text: text.join('\n') } : 'unreadable';
}
