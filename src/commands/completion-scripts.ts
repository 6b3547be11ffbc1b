import { singleQuote } from '../text.ts';
import type { Flag, Verb } from './completion.ts';

// Everything is looked up by the whole command, so that no option offers the values that it has in another one.

/** A script for bash. */
export function bashScript(verbs: readonly Verb[]): string {
  const paths = verbs.filter(({ path }) => path !== '').map(({ path }) => singleQuote(path));
  const valued = verbs.flatMap(({ path, options }) =>
    options.filter(({ value }) => value !== 'none').map((flag) => ({ flag, key: singleQuote(`${path} ${flag.name}`) })),
  );
  const words = (list: readonly string[]) => `_vmkiln_words ${singleQuote(list.join(' '))}`;
  const choice = valued.filter(({ flag }) => flag.choices.length > 0);
  const keysOf = (kind: Flag['value']) =>
    valued.filter(({ flag }) => flag.choices.length === 0 && flag.value === kind).map(({ key }) => key);
  const rest = ({ below, choices, files }: Verb) => {
    const known = [...below.map(({ name }) => name), ...choices];
    return known.length > 0 ? words(known) : files ? '_vmkiln_files' : ':';
  };
  return `# bash completion for vmkiln
_vmkiln_words() { COMPREPLY=($(compgen -W "$1" -- "$cur")); }
_vmkiln_files() { compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur"); }
_vmkiln() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} path= word
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths.join(' | ')}) path=\${path:+$path }$word ;;
    esac
  done
  # --option=value is three words.
  if [ "$cur" = = ]; then cur=; elif [ "$prev" = = ]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  case "$path $prev" in
${choice.map(({ flag, key }) => `    ${key}) ${words(flag.choices)}; return ;;`).join('\n')}
    ${keysOf('file').join(' | ')}) _vmkiln_files; return ;;
    ${keysOf('other').join(' | ')}) return ;;
  esac
  case "$path:$cur" in
${verbs
  .flatMap((verb) => [
    `    ${singleQuote(`${verb.path}:-`)}*) ${words(verb.options.map(({ name }) => name))} ;;`,
    `    ${singleQuote(`${verb.path}:`)}*) ${rest(verb)} ;;`,
  ])
  .join('\n')}
  esac
}
complete -F _vmkiln vmkiln
`;
}

/** A script for zsh: a function for each command, which hands on to those of the commands below it. */
export function zshScript(verbs: readonly Verb[]): string {
  const functionOf = (path: string) => `_vmkiln${path === '' ? '' : `_${path.replaceAll(/[ -]/g, '_')}`}`;
  const spec = ({ name, summary, value, choices, repeats }: Flag) => {
    const action =
      choices.length > 0 ? `:value:(${choices.join(' ')})` : value === 'file' ? ':file:_files' : ':value: ';
    return singleQuote(`${repeats ? '*' : ''}${name}[${zshText(summary)}]${value === 'none' ? '' : action}`);
  };
  const body = ({ path, options, below, choices, files }: Verb) => {
    const specs = options.map(spec);
    if (below.length === 0) {
      const rest = choices.length > 0 ? [`1:value:(${choices.join(' ')})`] : files ? ['*:file:_files'] : [];
      return `  _arguments ${[...specs, ...rest.map(singleQuote)].join(' ')}`;
    }
    return `  local context state state_descr line
  typeset -A opt_args
  _arguments -C ${specs.join(' ')} '1:command:->verb' '*::argument:->rest'
  case $state in
    verb)
      local -a verbs=(${below.map(({ name, summary }) => singleQuote(`${name}:${zshText(summary)}`)).join(' ')})
      _describe command verbs
      ;;
    rest)
      case $line[1] in
${below.map(({ name }) => `        ${name}) ${functionOf(`${path} ${name}`.trim())} ;;`).join('\n')}
      esac
      ;;
  esac`;
  };
  return `#compdef vmkiln
${verbs.map((verb) => `${functionOf(verb.path)}() {\n${body(verb)}\n}`).join('\n')}
if [ "$funcstack[1]" = _vmkiln ]; then _vmkiln "$@"; else compdef _vmkiln vmkiln; fi
`;
}

/** A script for fish. */
export function fishScript(verbs: readonly Verb[]): string {
  const paths = verbs.filter(({ path }) => path !== '').map(({ path }) => singleQuote(path));
  const at = (path: string) => `complete -c vmkiln -n ${fishQuote(`test "$(__vmkiln_path)" = "${path}"`)}`;
  const option = (path: string, { name, summary, value, choices }: Flag) =>
    [
      `${at(path)} -l ${name.replace(/^--/, '')}`,
      value === 'none' ? '' : value === 'file' ? '-r -F' : '-x',
      choices.length > 0 ? `-a ${fishQuote(choices.join(' '))}` : '',
      `-d ${fishQuote(summary)}`,
    ]
      .filter(Boolean)
      .join(' ');
  const own = verbs.flatMap(({ path, below, choices, files, options }) => [
    ...(files ? [`${at(path)} -F`] : []),
    ...below.map(({ name, summary }) => `${at(path)} -a ${name} -d ${fishQuote(summary)}`),
    ...(choices.length > 0 ? [`${at(path)} -a ${fishQuote(choices.join(' '))}`] : []),
    ...options.map((flag) => option(path, flag)),
  ]);
  return `# fish completion for vmkiln
function __vmkiln_path
  set -l known ${paths.join(' ')}
  set -l path
  for word in (commandline -opc)[2..-1]
    set -l longer (string join ' ' -- $path $word)
    contains -- $longer $known; and set path $longer
  end
  echo $path
end
complete -c vmkiln -f
${own.join('\n')}
`;
}

function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, String.raw`\$&`);
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, String.raw`\$&`)}'`;
}
