import { nearest } from '../text.ts';

/** Options of other tools (Packer, Ansible, Terraform, Make) and those whose place is elsewhere, with what to write. */
const options: Readonly<Record<string, string>> = {
  '--dry-run -n': 'vmkiln plan RECIPE shows what a build would do',
  '-var --var -e --extra-vars -D': 'write --set KEY=VALUE',
  '-var-file --var-file': 'write --vars FILE',
  '-f --file --recipe': 'a file is named without an option',
  '-o --output --output-dir': 'write --out',
  '-j --parallel --parallel-builds': 'write --jobs N',
  '-d --debug': 'VMKILN_DEBUG=1 in the environment adds stacks to errors',
  '-h=true --usage': 'write --help',
};

/** Commands of other tools, with the one that does the same. */
const commands: Readonly<Record<string, string>> = {
  'run apply create make start up': 'vmkiln build RECIPE builds an image',
  'list ls ps': 'vmkiln builds lists builds, vmkiln image list the images of a cloud',
  'lint check test': 'vmkiln validate RECIPE checks recipes',
  'format reformat': 'vmkiln fmt RECIPE',
  'rm remove delete prune purge destroy':
    'vmkiln clean removes what builds left, vmkiln image delete images of a cloud',
  'publish push': 'vmkiln upload IMAGE',
  new: 'vmkiln init writes a first recipe',
  version: 'vmkiln --version',
  man: 'vmkiln help COMMAND',
};

/**
 * A message of commander with what to do instead of an option or a command that there is not, as far as that is known. `isTop` says
 * that no command has been named before it.
 */
export function withRemedy(text: string, isTop: boolean): string {
  const [whole = '', kind, word = ''] = /unknown (option|command) '([^']*)'/.exec(text) ?? [];
  const remedy =
    kind === 'option' ? optionRemedy(word, isTop) : kind === 'command' && isTop ? commandRemedy(word) : undefined;
  return remedy === undefined ? text : `${text.slice(0, text.indexOf(whole))}${whole}: ${remedy}\n`;
}

function optionRemedy(word: string, isTop: boolean): string | undefined {
  if (/^--\w[\w-]*=/.test(word)) return isTop ? undefined : 'there is none of that name that takes a value';
  return (
    find(options, word) ??
    (isTop && word.startsWith('--') && nearest(word, ['--version', '--help']) === undefined
      ? `options follow the command: vmkiln COMMAND ${word}`
      : undefined)
  );
}

function commandRemedy(word: string): string | undefined {
  if (/\.(ya?ml|json)$/i.test(word)) return `write vmkiln build ${word}`;
  return find(commands, word);
}

function find(table: Readonly<Record<string, string>>, word: string): string | undefined {
  return Object.entries(table).find(([words]) => words.split(' ').includes(word))?.[1];
}
