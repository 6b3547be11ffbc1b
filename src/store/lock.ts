import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { interrupted } from '../errors.ts';

/** sun_path holds 108 bytes (unix(7)); one is kept free for a terminating NUL. */
const addressLimit = 107;

/**
 * Runs `body` while no other process, and no other caller in this one, holds the lock `name` of the folder `root`.
 *
 * The lock is a listening socket in Linux's abstract namespace (unix(7)). The kernel removes it with its holder, however
 * that ends, so that no stale lock exists and none is reaped. Those who wait keep a connection open, whose end wakes
 * them; who comes next is not defined. Locks are seen within one network namespace: processes in two containers, or on
 * two hosts that share a folder over the network, do not exclude each other (there is `withFileLock` for the former).
 *
 * @param root an existing folder; two paths to the same folder are the same lock.
 * @param options `waiting` is called once when the lock is held by another. `holder` is what those who wait are told of this one, a name of
 * at most 200 letters, digits, dots, underscores and hyphens; `heldBy` is called with that of each holder that is waited for, if it has
 * one. An abort ends the waiting, not the body.
 * @throws VmkilnError INTERRUPTED, or the signal's own reason if it is a VmkilnError; and whatever `body` throws.
 */
export async function withLock<T>(
  root: string,
  name: string,
  options: { signal: AbortSignal; waiting?: () => void; holder?: string; heldBy?: (holder: string) => void },
  body: () => Promise<T>,
): Promise<T> {
  const { signal } = options;
  const address = await lockAddress(root, name);
  let waited = false;
  for (;;) {
    if (signal.aborted) throw interrupted(`waiting for ${name}`, signal);
    const release = await hold(address, options.holder);
    if (release) {
      try {
        return await body();
      } finally {
        release();
      }
    }
    if (!waited) options.waiting?.();
    waited = true;
    await released(address, signal, options.heldBy);
  }
}

/** The socket's address, starting with a NUL. A name too long for one is replaced by its hash. */
export async function lockAddress(root: string, name: string): Promise<string> {
  const { dev, ino } = await stat(root, { bigint: true });
  const prefix = `\0vmkiln/${digest(`${dev}:${ino}`)}/`;
  return Buffer.byteLength(prefix + name) <= addressLimit ? prefix + name : prefix + digest(name);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

/** Takes the lock and returns how to let it go, or returns undefined when it is taken. */
function hold(address: string, holder = ''): Promise<(() => void) | undefined> {
  return new Promise((resolve, reject) => {
    const waiters = new Set<Socket>();
    const server = createServer((socket) => {
      waiters.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => waiters.delete(socket));
      if (holder !== '') socket.write(`${holder}\n`);
    });
    server.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: address, backlog: 4096 }, () =>
      resolve(() => {
        // The address must be free before the first waiter wakes.
        server.close();
        for (const socket of waiters) socket.destroy();
      }),
    );
  });
}

/** The name of a holder as it comes. Any user of this host may hold an address, and say anything. */
const holderLine = /^([\w.-]{1,200})\n/;

/** Resolves when the holder has let go or has died, or the signal aborts; `heldBy` is told its name. */
async function released(address: string, signal: AbortSignal, heldBy?: (holder: string) => void): Promise<void> {
  const wasConnected = await new Promise<boolean>((resolve) => {
    let connected = false;
    const socket = connect(address);
    const stop = () => socket.destroy();
    socket.on('connect', () => (connected = true));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      signal.removeEventListener('abort', stop);
      resolve(connected);
    });
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    // The end of a connection is only seen by who reads from it.
    socket.resume();
    socket.once('data', (said: Uint8Array) => {
      const name = holderLine.exec(String(said))?.[1];
      if (name !== undefined) heldBy?.(name);
    });
  });
  // Refused: let go in between, or too many wait for the kernel's queue. A pause keeps this from spinning.
  if (!wasConnected && !signal.aborted) await delay(5 + Math.random() * 20);
}
