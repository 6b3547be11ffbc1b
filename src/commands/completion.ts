import type { Argument, Command, Option } from 'commander';
import { singleQuote } from '../text.ts';

/** A command as a completion needs to know it. `choices` are the values of its own argument, if they are known. */
type Verb = { name: string; summary: string; options: Flag[]; choices: readonly string[]; files: boolean };
type Flag = {
  name: string;
  summary: string;
  value: 'none' | 'file' | 'other';
  choices: readonly string[];
  repeats: boolean;
};

const shells = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;

/** `vmkiln completion SHELL`: prints a script made from the command line itself. */
export async function completion(shell: keyof typeof shells, commands: readonly Command[]): Promise<void> {
  process.stdout.write(shells[shell](commands.map(verbOf)));
}

function verbOf(command: Command): Verb {
  const [argument] = command.registeredArguments as readonly Argument[];
  return {
    name: command.name(),
    summary: command.description(),
    options: [
      ...flagsOf([command, ...command.commands]),
      { name: '--help', summary: 'show help', value: 'none', choices: [], repeats: false },
    ],
    choices: argument?.argChoices ?? command.commands.map((each) => each.name()),
    files: argument !== undefined && argument.argChoices === undefined && argument.name() !== 'build',
  };
}

/** The options of a command and of those below it, each once. */
function flagsOf(commands: readonly Command[]): Flag[] {
  const flags = commands.flatMap(({ options }) => options.map(flagOf));
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()];
}

function flagOf(option: Option): Flag {
  const kind = /<(file|dir)>/.test(option.flags) ? 'file' : 'other';
  return {
    name: option.long ?? option.flags,
    summary: option.description,
    value: option.required || option.optional ? kind : 'none',
    choices: option.argChoices ?? [],
    repeats: Array.isArray(option.defaultValue),
  };
}

function bashScript(verbs: readonly Verb[]): string {
  const values = new Map<string, readonly string[]>();
  for (const { options } of verbs)
    for (const { name, choices } of options) if (choices.length > 0) values.set(name, choices);
  const free = [
    ...new Set(
      verbs.flatMap(({ options }) =>
        options.filter(({ value, choices }) => value === 'other' && choices.length === 0).map(({ name }) => name),
      ),
    ),
  ];
  return `# bash completion for vmkiln
_vmkiln() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb=\${COMP_WORDS[1]}
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${[...verbs.map(({ name }) => name), 'help', '--help', '--version'].join(' ')}" -- "$cur"))
    return
  fi
  case $prev in
${[...values].map(([name, choices]) => `    ${name}) COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$cur")); return ;;`).join('\n')}
    ${free.join('|')}) return ;;
  esac
  case $verb:$cur in
${verbs.map(({ name, options }) => `    ${name}:-*) COMPREPLY=($(compgen -W "${options.map((flag) => flag.name).join(' ')}" -- "$cur")) ;;`).join('\n')}
${verbs
  .filter(({ choices }) => choices.length > 0)
  .map(({ name, choices }) => `    ${name}:*) COMPREPLY=($(compgen -W "${choices.join(' ')}" -- "$cur")) ;;`)
  .join('\n')}
    help:*) COMPREPLY=($(compgen -W "${verbs.map(({ name }) => name).join(' ')}" -- "$cur")) ;;
    *) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
  esac
}
complete -F _vmkiln vmkiln
`;
}

function zshScript(verbs: readonly Verb[]): string {
  const spec = ({ name, summary, value, choices, repeats }: Flag) => {
    const action =
      choices.length > 0 ? `:value:(${choices.join(' ')})` : value === 'file' ? ':file:_files' : ':value: ';
    return singleQuote(`${repeats ? '*' : ''}${name}[${zshText(summary)}]${value === 'none' ? '' : action}`);
  };
  const rest = ({ choices, files }: Verb) =>
    choices.length > 0
      ? [singleQuote(`1:shell:(${choices.join(' ')})`)]
      : files
        ? [singleQuote('*:recipe:_files')]
        : [];
  return `#compdef vmkiln
_vmkiln() {
  local context state state_descr line
  typeset -A opt_args
  _arguments -C '--help[show help]' '--version[print the version]' '1:command:->verb' '*::argument:->rest'
  case $state in
    verb)
      local -a verbs=(
${verbs.map(({ name, summary }) => `        ${singleQuote(`${name}:${summary}`)}`).join('\n')}
      )
      _describe command verbs
      ;;
    rest)
      case $line[1] in
${verbs.map((verb) => `        ${verb.name}) _arguments ${[...verb.options.map(spec), ...rest(verb)].join(' ')} ;;`).join('\n')}
      esac
      ;;
  esac
}
if [ "$funcstack[1]" = _vmkiln ]; then _vmkiln "$@"; else compdef _vmkiln vmkiln; fi
`;
}

function fishScript(verbs: readonly Verb[]): string {
  const line = (verb: Verb, { name, summary, value, choices }: Flag) =>
    [
      `complete -c vmkiln -n '__fish_seen_subcommand_from ${verb.name}' -l ${name.replace(/^--/, '')}`,
      value === 'none' ? '' : value === 'file' ? '-r' : '-x',
      choices.length > 0 ? `-a '${choices.join(' ')}'` : '',
      `-d ${fishQuote(summary)}`,
    ]
      .filter(Boolean)
      .join(' ');
  const own = verbs.flatMap((verb) => [
    `complete -c vmkiln -n __fish_use_subcommand -f -a ${verb.name} -d ${fishQuote(verb.summary)}`,
    ...(verb.choices.length > 0
      ? [`complete -c vmkiln -n '__fish_seen_subcommand_from ${verb.name}' -f -a '${verb.choices.join(' ')}'`]
      : []),
    ...verb.options.map((flag) => line(verb, flag)),
  ]);
  return `# fish completion for vmkiln\n${own.join('\n')}\n`;
}

function zshText(text: string): string {
  return text.replace(/[[\]:\\]/g, String.raw`\$&`);
}

function fishQuote(text: string): string {
  return `'${text.replace(/['\\]/g, String.raw`\$&`)}'`;
}
