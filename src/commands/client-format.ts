import { harmless, jsonText } from '../text.ts';
import { table } from '../ui/table.ts';

export type Cell = string | number | boolean | null | readonly string[];
export type Format = 'value' | 'json' | 'csv' | 'table';

/**
 * Rows as the `openstack` client prints them with `-f` (cliff's formatters `value`, `json` and `commaseparated`), so that
 * scripts written for it read this too: Python's `True`, `None` and lists, CSV with everything in quotes but numbers.
 */
export function formatRows(format: Format, columns: readonly string[], rows: readonly (readonly Cell[])[]): string {
  switch (format) {
    case 'json':
      return `${jsonText(rows.map((row) => Object.fromEntries(columns.map((name, at) => [name, row[at]]))))}\n`;
    case 'csv':
      return [columns, ...rows].map((row) => `${row.map((cell) => csvCell(safe(cell))).join(',')}\n`).join('');
    case 'value':
      return rows.map((row) => `${row.map((cell) => pythonText(safe(cell))).join(' ')}\n`).join('');
    case 'table':
      return table(
        columns,
        rows.map((row) => row.map((cell) => tableCell(safe(cell)))),
      );
  }
}

/** What others have named, fit for a terminal. */
function safe(cell: Cell): Cell {
  if (typeof cell === 'string') return harmless(cell, { oneLine: true });
  return Array.isArray(cell) ? cell.map((each) => harmless(each, { oneLine: true })) : cell;
}

function tableCell(cell: Cell): string {
  return Array.isArray(cell) ? cell.join(', ') : String(cell ?? '');
}

/** `csv.QUOTE_NONNUMERIC`, for which Python's booleans are numbers and None is empty; `\` is cliff's escape besides. */
function csvCell(cell: Cell): string {
  if (typeof cell === 'number' || typeof cell === 'boolean') return pythonText(cell);
  return `"${(cell === null ? '' : pythonText(cell)).replaceAll('\\', '\\\\').replaceAll('"', '""')}"`;
}

/** `str()` of a value in Python. */
function pythonText(cell: Cell): string {
  if (cell === null) return 'None';
  if (typeof cell === 'boolean') return cell ? 'True' : 'False';
  if (typeof cell === 'string' || typeof cell === 'number') return String(cell);
  return `[${cell.map(pythonQuoted).join(', ')}]`;
}

/** `repr()` of a text, which takes double quotes only if that saves an escape. */
function pythonQuoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  return quote + text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`) + quote;
}
