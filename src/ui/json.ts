import { jsonText } from '../text.ts';
import type { Ui } from './ui.ts';

type Sink = { write(text: string): unknown };

/** One event per line on `out`, as in events.ndjson; what is for people goes to `err`. */
export function openJson(out: Sink, err: Sink): Ui {
  return {
    emit: (event) => void out.write(`${jsonText(event, 0)}\n`),
    drop: () => undefined,
    say: (message) => void err.write(`vmkiln: ${message}\n`),
    close: async () => {},
  };
}
