import { writeSync } from 'node:fs';
import { Listr, type ListrRenderer, ProcessOutput } from 'listr2';
import { allHarmless } from '../text.ts';
import { labelled } from './error-text.ts';
import { paintFor } from './format.ts';
import { frameLines, lastLines, type Entry, type Size } from './frame.ts';
import { openRegion } from './region.ts';
import { resultText } from './result-text.ts';
import type { Screen, Ui, UiOptions } from './ui.ts';
import { applyEvent, emptyView } from './view.ts';

const showCursor = '\u001B[?25h';
/** Milliseconds between two drawings: at least, when something happens; at most, for the clocks. */
const [pause, tick] = [100, 1000];

/** What is drawn, and what is told above it as it happens. */
type Display = { start(): void; say(text: string): void; changed(): void; end(): void };

/**
 * Builds as they run, on standard error: the stages of one, or a line for each of several, drawn anew in place. Warnings, and the
 * results of several, are written above as they come; at the end the list stays, once, and the result of one follows it.
 * listr2 displays: its tasks, one a build, wait for what the events say, and its renderer is this one.
 */
export function openLive({ recipes, stderr: screen, env }: Omit<UiOptions, 'stdout'>): Ui {
  const entries = recipes.map((recipe): Entry => ({ view: emptyView(recipe) }));
  const paint = paintFor(screen, env);
  const display = openDisplay(entries, screen, { paint, plainMarks: /^(linux|vt\d+)/.test(env['TERM'] ?? '') });
  const ends = recipes.map(() => settled());
  const list = new Listr(
    recipes.map((title, index) => ({ title, task: () => ends[index]?.promise })),
    { concurrent: true, registerSignalListeners: false, renderer: rendererOf(display) },
  );
  const several = recipes.length > 1;
  const warned = new Set<string>();
  let running: Promise<unknown> | undefined;
  return {
    emit: (raw, index) => {
      const event = allHarmless(raw);
      const entry = entries[index];
      if (entry === undefined) return;
      // Not before there is something to show: a recipe that is refused needs no list of stages.
      const { view } = entry;
      applyEvent(view, event);
      running ??= list.run();
      if (event.type === 'warning' && !warned.has(event.message)) {
        warned.add(event.message);
        const head = paint('warn', several ? `${view.name}: warning:` : 'warning:');
        display.say(`${head} ${event.message}${event.hint === undefined ? '' : `\n${labelled('next', event.hint)}`}`);
      }
      const isOver = event.type === 'failed' || event.type === 'build-finished';
      if (isOver && several) display.say(resultText(view, paint));
      display.changed();
    },
    drop: (index, why) => {
      const entry = entries[index];
      if (entry) entry.dropped = why;
      if (running) display.changed();
    },
    say: (message) => (running ? display.say(`vmkiln: ${message}`) : void screen.write(`vmkiln: ${message}\n`)),
    close: async () => {
      for (const { resolve } of ends) resolve();
      await running;
      const [only] = entries;
      if (running && only && !several && !only.dropped) screen.write(`${resultText(only.view, paint)}\n`);
    },
  };
}

/** A promise that another party resolves. */
function settled(): { promise: Promise<void>; resolve: () => void } {
  let resolve = () => {};
  return { promise: new Promise((done) => (resolve = done)), resolve };
}

/** The display as a renderer of listr2, which starts it with its tasks and ends it after them. */
function rendererOf(display: Display) {
  return class implements ListrRenderer {
    static readonly rendererOptions = {};
    static readonly rendererTaskOptions = {};
    // Whether there is a terminal was asked before; listr2 would ask standard output.
    static readonly nonTTY = true;
    render = () => display.start();
    end = () => display.end();
  };
}

function openDisplay(
  entries: readonly Entry[],
  screen: Screen,
  style: Pick<Parameters<typeof frameLines>[1], 'paint' | 'plainMarks'>,
): Display {
  // What others write to the terminal meanwhile is held back until the end; it hides the cursor, and shows it again.
  const output = new ProcessOutput(screen as NodeJS.WriteStream, screen as NodeJS.WriteStream, {
    leaveEmptyLine: false,
  });
  const region = openRegion((text) => output.toStderr(text, false));
  const size = (): Size => ({ columns: screen.columns || 80, rows: screen.rows || 24 });
  const drawing = () => ({ ...size(), ...style, now: Date.now() });
  let running = false;
  let last = 0;
  let soon: NodeJS.Timeout | undefined;
  let clock: NodeJS.Timeout | undefined;
  const draw = () => {
    clearTimeout(soon);
    soon = undefined;
    if (!running) return;
    last = performance.now();
    region.draw(frameLines(entries, drawing()), size());
  };
  const changed = () => {
    soon ??= setTimeout(draw, Math.max(0, last + pause - performance.now()));
  };
  // The shell has written below it.
  const resumed = () => {
    region.forget();
    draw();
  };
  const atExit = () => void (screen === process.stderr && writeSync(2, showCursor));
  return {
    start: () => {
      running = true;
      output.hijack();
      process.once('exit', atExit).on('SIGCONT', resumed);
      screen.on?.('resize', draw);
      clock = setInterval(draw, tick);
      draw();
    },
    say: (text) => region.above(`${text}\n`, size()),
    changed,
    end: () => {
      running = false;
      clearInterval(clock);
      clearTimeout(soon);
      screen.off?.('resize', draw);
      process.removeListener('exit', atExit).removeListener('SIGCONT', resumed);
      region.draw([], size());
      output.toStderr(
        lastLines(entries, drawing())
          .map((line) => `${line}\n`)
          .join(''),
        false,
      );
      output.release();
    },
  };
}
