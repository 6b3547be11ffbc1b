import type { CommandContext } from '../ui/ui.ts';

/** At most a line in this time (milliseconds), unless it says something new. */
const linePause = 2000;

/** Shows progress on standard error: rewritten in place at a terminal, now and then elsewhere. */
export function progressLines({ say }: Pick<CommandContext, 'say'>): (message: string) => void {
  let last = -Infinity;
  let topic = '';
  return (message) => {
    const now = performance.now();
    const about = message.split(':')[0] ?? '';
    if (about === topic && now - last < linePause) return;
    [last, topic] = [now, about];
    say(message);
  };
}
