import type { Explained } from '../pipeline/explain-build.ts';
import type { BuildRecord } from '../pipeline/builds.ts';
import { labelled } from './error-text.ts';
import { noPaint, type Paint } from './format.ts';

/** Why a build failed, from harmless texts: the named cause with its evidence and remedy, and what else was seen; or the lines that matter. */
export function explainedText(build: BuildRecord, { causes, lines }: Explained, paint: Paint = noPaint): string {
  const { failure } = build;
  const where = failure?.stage === undefined ? '' : ` in ${failure.stage}`;
  const title = `${paint('bad', `${build.build} ${build.outcome === 'interrupted' ? 'was interrupted' : 'failed'}`)}${where}`;
  const [best, ...others] = causes;
  // What a service says has its remedy where it was read.
  const next = best?.remedy ?? failure?.hint;
  if (!best) return [title, unknownText(failure, lines)].join('\n');
  return [
    `${title}: ${best.cause}`,
    labelled('seen', `${build.folder}/${best.file}:${best.line}\n${best.text}`),
    ...(next === undefined ? [] : [labelled('next', next)]),
    ...(others.length === 0 ? [] : ['', 'also seen:']),
    ...others.map(({ cause, file, line }) => `  ${cause}\n    ${file}:${line}`),
    ...linesText(lines),
  ].join('\n');
}

function unknownText(failure: BuildRecord['failure'], lines: Explained['lines']): string {
  const said = failure === undefined ? [] : [labelled('said', failure.message)];
  const hint = failure?.hint === undefined ? [] : [labelled('next', failure.hint)];
  return ['  This failure is not among those that vmkiln knows.', ...said, ...linesText(lines), ...hint].join('\n');
}

function linesText(lines: Explained['lines']): string[] {
  if (lines.length === 0) return [];
  return ['', 'the lines that matter most:', ...lines.map(({ file, line, text }) => `  ${file}:${line}: ${text}`)];
}
