import { formatPercent } from './format.ts';

/** Shows how far a thing is: a line that is drawn anew on a terminal, a line for every tenth elsewhere. */
export type Progress = { show: (message: string, fraction: number) => void; close: () => void };

export function openProgress(stream: { isTTY?: boolean; write(text: string): unknown }): Progress {
  let shown = '';
  return {
    show: (message, fraction) => {
      const text = `${message} ${formatPercent(stream.isTTY ? fraction : Math.floor(fraction * 10) / 10)}`;
      if (text === shown) return;
      stream.write(stream.isTTY ? `\r\u001b[K${text}` : `${text}\n`);
      shown = text;
    },
    close: () => {
      if (stream.isTTY && shown !== '') stream.write('\r\u001b[K');
      shown = '';
    },
  };
}
