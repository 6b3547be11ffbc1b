import type { Env } from '../model.ts';
import { oneLine } from './columns.ts';
import { formatPercent } from './format.ts';
import { defaultUi, type Screen } from './ui.ts';

/** Shows how far a thing is: a line that is drawn anew on a terminal, a line for every tenth elsewhere. */
export type Progress = { show: (message: string, fraction: number) => void; close: () => void };

export function openProgress(stream: Screen, env: Env): Progress {
  const inPlace = defaultUi(stream, env) === 'pretty';
  let shown = '';
  return {
    show: (message, fraction) => {
      const text = `${message} ${formatPercent(inPlace ? fraction : Math.floor(fraction * 10) / 10)}`;
      if (text === shown) return;
      stream.write(inPlace ? `\r\u001b[K${oneLine(text, (stream.columns ?? 80) - 1)}` : `${text}\n`);
      shown = text;
    },
    close: () => {
      if (inPlace && shown !== '') stream.write('\r\u001b[K');
      shown = '';
    },
  };
}
