import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A dashboard that runs: the address that it printed, its origin, what it said on standard error, and how it is stopped. */
export type Dashboard = { address: string; url: string; said: () => string; stop: () => Promise<number | null> };

/** Starts the built command on a free port of the loopback. */
export async function startDashboard(
  args: readonly string[],
  { env, cwd }: { env: Readonly<Record<string, string>>; cwd: string },
): Promise<Dashboard> {
  const cli = new URL('../../dist/cli.js', import.meta.url).pathname;
  const words = [cli, 'factory', 'dashboard', ...args, '--listen', '127.0.0.1:0'];
  const child = spawn(process.execPath, words, {
    ...{ env: { ...process.env, ...env }, cwd },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => (said += String(chunk)));
  const ended = once(child, 'close').then(([status]) => status as number | null);
  const [address] = (await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    ended.then(() => Promise.reject(new Error(`it ended: ${said}`))),
  ])) as [string];
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { address, url: new URL(address).origin, said: () => said, stop };
}
