import { closeSync, openSync, readSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import type { Event } from '../model.ts';

/** Milliseconds between two looks at the logs of the programs that run. */
const pause = 500;

type Open = { build: string; program: string; stage: string; index: number; read: () => string[] };

/** What the programs of builds print, as they print it, by the logs that their events name; `close` when all are over. */
export type ProgramOutput = { follow(event: Event, index: number): void; close(): void };

/** Passes on each line, with the number of its recipe. Programs that only ask how a guest is doing are left out. */
export function openProgramOutput(show: (line: string, index: number) => void): ProgramOutput {
  const running: Open[] = [];
  const look = ({ read, index }: Open) => {
    for (const line of read()) show(line, index);
  };
  let clock: NodeJS.Timeout | undefined;
  return {
    follow: (event, index) => {
      if (event.type === 'command-started' && !event.control) {
        const { build, stage, argv, log } = event;
        running.push({ build, stage, program: argv[0] ?? '', index, read: reader(log) });
        clock ??= setInterval(() => running.forEach(look), pause);
      }
      if (event.type !== 'command-finished') return;
      const { build, stage, program } = event;
      const at = running.findIndex((one) => one.build === build && one.stage === stage && one.program === program);
      // Its log is whole by now.
      for (const ended of at < 0 ? [] : running.splice(at, 1)) look(ended);
    },
    close: () => clearInterval(clock),
  };
}

/** Reads what a file has gained since the last time, in whole lines; one that is not there has none. */
function reader(file: string): () => string[] {
  const decoder = new StringDecoder('utf8');
  const buffer = Buffer.alloc(64 * 1024);
  let position = 0;
  let open = '';
  return () => {
    let descriptor: number;
    try {
      descriptor = openSync(file, 'r');
    } catch {
      return [];
    }
    try {
      for (let count; (count = readSync(descriptor, buffer, 0, buffer.length, position)) > 0; position += count)
        open += decoder.write(buffer.subarray(0, count));
    } finally {
      closeSync(descriptor);
    }
    const lines = open.split(/\r?\n|\r/);
    open = lines.pop() ?? '';
    return lines.map((line) => stripVTControlCharacters(line));
  };
}
