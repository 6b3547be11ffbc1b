import type { Arg, Command, MediaFile, Piece, Plan, Prediction } from '../model.ts';
import { predictedTotal } from '../pipeline/predict.ts';
import { resolveArg, type Places } from '../pipeline/resolve.ts';
import type { TargetChanges } from '../pipeline/target-changes.ts';
import { stages as pipeline } from '../pipeline/stages.ts';
import type { HookName } from '../recipe/hooks.ts';
import type { Recipe } from '../recipe/recipe.ts';
import { noPaint, type Paint } from './format.ts';
import { allHarmless, formatBytes, formatDuration, harmless, shellQuote } from '../text.ts';

/** What a build decides stands as a variable. */
const symbols: Places = {
  work: (file) => `$WORK/${file}`,
  rendered: (name) => `$WORK/rendered/${name}`,
  layer: (stage) => `$CHECKPOINTS/${stage}.qcow2`,
  domain: '$DOMAIN',
};

/** A word of a command line as plain text, with `$WORK/…`, `$CHECKPOINTS/…` and `$DOMAIN` for what a build will decide. */
export function displayArg(arg: Arg): string {
  return resolveArg(arg, symbols);
}

/** The same word for a POSIX shell: literal text is quoted, the variables stay expandable. */
export function shellArg(arg: Arg): string {
  const pieces = (Array.isArray(arg) ? arg : [arg]) as readonly Piece[];
  const words = pieces.map((piece, index) => {
    const text = displayArg(piece);
    if (typeof piece === 'string' || 'file' in piece || 'host' in piece || 'sure' in piece)
      return text === '' ? '' : shellQuote(text);
    // `$DOMAIN` must not swallow what follows.
    const joined = /^\w/.test(displayArg(pieces.slice(index + 1)));
    const [variable = '', ...path] = text.split('/');
    const plain = path.every((part) => part === '' || shellQuote(part) === part);
    return plain && !joined ? text : `"${[variable, ...path.map(insideQuotes)].join('/')}"`;
  });
  return words.join('') || "''";
}

function insideQuotes(text: string): string {
  return text.replace(/[\\"$`]/g, String.raw`\$&`);
}

/** A command as a person would type it, its options on lines of their own when it is long. */
export function shellCommand(command: Command, width = 100): string {
  const env = Object.entries(command.env ?? {}).map(([name, value]) => `${name}=${shellQuote(value)}`);
  const words = command.args.map(shellArg);
  const start = [...env, command.program].join(' ');
  const line = [start, ...words].join(' ');
  if (line.length <= width) return line;
  const lines: string[] = [start];
  for (const word of words) {
    if (/^--?[a-z]/i.test(word)) lines.push(word);
    else lines[lines.length - 1] += ` ${word}`;
  }
  return lines.join(' \\\n    ');
}

/**
 * A plan with `argv` beside the symbolic words of each command (an array of plain strings, the program first), and with what
 * would change at its targets.
 */
export function planWithArgv(plan: Plan, targets: readonly TargetChanges[]): unknown {
  return {
    ...plan,
    targets,
    stages: plan.stages.map((stage) => ({
      ...stage,
      commands: stage.commands.map((command) => ({
        ...command,
        argv: [command.program, ...command.args.map(displayArg)],
      })),
    })),
  };
}

/** How a plan is shown: with the texts of the rendered files (`full`), and the command to go on with. */
export type PlanView = { full: boolean; next: string; paint?: Paint };

/**
 * A plan for people: what it makes, on which host, from which media, the hooks, the exact commands, the files, and at the end what
 * matters most: the stages and what they will take, what would change at the targets, and what to do next.
 */
export function showPlan(
  given: Plan<Pick<Recipe, 'hooks'>>,
  changes: readonly TargetChanges[],
  { full, next, paint = noPaint }: PlanView,
): string {
  const [plan, targets] = [allHarmless(given), allHarmless(changes)];
  const media = Object.entries(plan.media).map(([role, file]) => `  ${role.padEnd(9)} ${mediaText(file)}`);
  const sections = [
    [
      `${paint('title', plan.name)}${plan.rehearsal ? '  (rehearsal: practice media, not a product)' : ''}`,
      `  host      ${hostText(plan)}`,
      ...media,
      ...plan.notes.map((note) => `  ${paint('warn', 'note')}      ${note.replaceAll('\n', '\n            ')}`),
    ],
    ...hooksText(plan, paint),
    ...plan.stages
      .filter(({ commands }) => commands.length > 0)
      .map((stage) => [paint('title', stage.stage), ...stage.commands.map((command) => `  ${shellCommand(command)}`)]),
    ...filesText(plan, full, paint),
    [
      paint(
        'dim',
        "$WORK is the build's work folder, $CHECKPOINTS what earlier stages left, $DOMAIN its libvirt domain: a build decides them.",
      ),
    ],
    [paint('title', 'stages'), ...stagesText(plan, paint), ...totalText(plan)],
    ...(targets.length > 0 ? [[paint('title', 'targets'), ...targets.flatMap((each) => targetText(each, paint))]] : []),
    [paint('title', 'next'), `  ${harmless(next)}`],
  ];
  return sections.map((lines) => lines.join('\n')).join('\n\n');
}

function filesText({ rendered }: Plan, full: boolean, paint: Paint): string[][] {
  if (full) return rendered.map((file) => [paint('title', `$WORK/rendered/${file.name}`), file.text.trimEnd()]);
  if (rendered.length === 0) return [];
  return [[`${paint('title', '$WORK/rendered')}  (--full shows them)`, ...rendered.map(({ name }) => `  ${name}`)]];
}

function targetText({ target, name, changes, unknown }: TargetChanges, paint: Paint): string[] {
  const lines = changes ?? [paint('warn', `unknown: ${unknown?.replaceAll('\n', '\n      ')}`)];
  return [`  ${paint('name', target)} ${name}`, ...lines.map((line) => `    ${line}`)];
}

function hostText({ host, notes }: Plan): string {
  const network =
    host.network.kind === 'user' ? "QEMU's user-mode network" : `${host.network.kind} ${host.network.name}`;
  const speed = host.accelerator === 'kvm' ? 'KVM' : 'TCG (software emulation, slow)';
  return [
    // A note may have told it already.
    `${host.arch}, ${speed}${notes.some((note) => note.includes(host.acceleratorReason)) ? '' : `: ${host.acceleratorReason}`}`,
    `            ${host.connect}, ${network}, ${host.cores} cores, ${formatBytes(host.memory)} memory`,
  ].join('\n');
}

function mediaText(file: MediaFile): string {
  const size = file.size === undefined ? 'size unknown until downloaded' : formatBytes(file.size);
  const digest = file.sha256 === undefined ? 'sha256 unknown until downloaded' : `sha256 ${file.sha256}`;
  const where = file.source === file.path ? file.path : `${file.source}\n            ${file.path}`;
  return `${where}\n            ${file.size === undefined && file.sha256 === undefined ? 'unknown until downloaded' : `${size}, ${digest}`}`;
}

/** A line for each stage; a reason that is that of the line above is not told again. */
function stagesText({ stages }: Plan, paint: Paint): string[] {
  return stages.map((stage, index) => {
    const role = stage.forecast === 'run' ? 'name' : stage.forecast === 'reuse' ? 'good' : 'dim';
    const because = stage.because === stages[index - 1]?.because ? '' : stage.because;
    const predicted = stage.forecast === 'run' && stage.predicted ? `(${predictionText(stage.predicted)})` : '';
    const line = `  ${stage.stage.padEnd(9)} ${paint(role, stage.forecast.padEnd(5))}`;
    return [line, because, predicted].filter(Boolean).join('  ').trimEnd();
  });
}

function predictionText({ seconds, bytes }: Prediction): string {
  return `about ${formatDuration(seconds)}${bytes > 0 ? `, ${formatBytes(bytes)} of disk` : ''}`;
}

/** What the stages that run will take together; nothing while nothing is known. */
function totalText({ stages }: Plan): string[] {
  if (!stages.some(({ forecast, predicted }) => forecast === 'run' && predicted)) return [];
  const { total, unknown } = predictedTotal(stages);
  const besides = unknown.length > 0 ? `, and what ${unknown.join(', ')} will take` : '';
  return [`  total     ${predictionText(total)}${besides}`];
}

/** The recipe's hooks, in the order of a build, and which of them this one would not come to. */
function hooksText({ recipe, stages }: Plan<Pick<Recipe, 'hooks'>>, paint: Paint): string[][] {
  const moments = pipeline.flatMap(({ name, hook }): [HookName, string | false][] => {
    const forecast = stages.find(({ stage }) => stage === name)?.forecast;
    if (hook?.after === 'run') return [[hook.name, forecast !== 'run' && `${name} does not run`]];
    return hook ? [[hook.name, forecast === 'skip' && 'the build ends before']] : [];
  });
  moments.push(['onFailure', false]);
  const lines = moments.flatMap(([name, absent]) => {
    const spec = recipe.hooks[name];
    if (spec === undefined) return [];
    const warns = spec.onError === 'warn' || name === 'onFailure' ? ', a failure of it only warns' : '';
    const when = absent ? `not now: ${absent}` : `at most ${formatDuration(spec.timeout)}${warns}`;
    return [`  ${name.padEnd(12)} ${shellQuote(spec.run)}  (${when})`];
  });
  return lines.length > 0 ? [[paint('title', 'hooks'), ...lines]] : [];
}
