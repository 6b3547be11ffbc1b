import { type Change, type Detail, type Difference, isSame, sections } from '../describe/diff.ts';
import { countText, titles } from '../describe/summary.ts';
import { harmless } from '../text.ts';
import { noPaint, type Paint } from './format.ts';

const marks = { added: '+', removed: '-', changed: '~' } as const;
const roles = { added: 'good', removed: 'bad', changed: 'warn' } as const;

/** A difference for people, a line for each change. */
export function differenceText({ version, changes }: Difference, paint: Paint = noPaint): string {
  if (isSame({ version, changes })) return 'no difference\n';
  const blocks = sections
    .filter((section) => changes[section].length > 0)
    .map((section) => {
      const lines = changes[section].map(
        (change) => `  ${paint(roles[change.kind], `${marks[change.kind]} ${oneChange(change)}`)}\n`,
      );
      return `${paint('title', `${titles[section]} (${countText(changes[section])})`)}\n${lines.join('')}`;
    });
  return blocks.join('\n');
}

/** A difference as Markdown, for a merge request or release notes. */
export function differenceMarkdown({ version, changes }: Difference): string {
  if (isSame({ version, changes })) return 'No difference.\n';
  const blocks = sections
    .filter((section) => changes[section].length > 0)
    .map((section) => {
      const rows = changes[section].map(
        ({ kind, direction, name, details }) =>
          `| ${direction ?? kind} | ${code(name)} | ${details.map(markdownDetail).join('<br>')} |`,
      );
      return `### ${titles[section]}\n\n| | | |\n| --- | --- | --- |\n${rows.join('\n')}\n`;
    });
  return blocks.join('\n');
}

function oneChange(change: Change): string {
  const { name, direction } = change;
  const told = changeDetails(change);
  const note = direction === 'downgraded' ? ' (downgraded)' : '';
  return harmless(`${name}${told === '' ? '' : `  ${told}`}${note}`, { oneLine: true });
}

/** What became of a thing, without its name: `4.9 → 4.10, license GPLv3+ → MIT`. Names in it are as a guest chose them. */
export function changeDetails({ details, kind }: Change): string {
  return details
    .map((detail) => detailText(detail, kind))
    .filter((text) => text !== '')
    .join(', ');
}

/** A digest says nothing to people. */
function detailText({ field, from, to }: Detail, kind: Change['kind']): string {
  if (field === 'content') return kind === 'changed' ? 'content' : '';
  const name = field === 'version' || field === 'is' ? '' : `${field} `;
  if (kind !== 'changed')
    return field === 'version' || field === 'link' || field === 'process' ? `${name}${from ?? to}` : '';
  return `${name}${from ?? '(none)'} → ${to ?? '(none)'}`;
}

function markdownDetail(detail: Detail): string {
  const { field, from, to } = detail;
  if (field === 'content') return from !== undefined && to !== undefined ? 'content' : '';
  if (from !== undefined && to !== undefined) return `${field}: ${code(from)} → ${code(to)}`;
  return `${field}: ${code(from ?? to ?? '')}`;
}

/** A code span that no backtick, and no cell that no bar, ends early. */
function code(text: string): string {
  const safe = harmless(text, { oneLine: true })
    .replaceAll('`', "'")
    .replaceAll('|', String.raw`\|`);
  return safe === '' ? '(empty)' : `\`${safe}\``;
}
