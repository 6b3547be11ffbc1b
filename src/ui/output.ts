import { fstatSync, writeSync } from 'node:fs';
import { isFull, VmkilnError } from '../errors.ts';

/**
 * A reader that went away (`| head`) ends the command quietly, and a build with its clean-up. So does an output that
 * cannot be written, but that is a failure, which the result tells. What is lost on standard error cannot be told.
 */
export function stopOnLostOutput(controller: AbortController): () => VmkilnError | undefined {
  let lost: VmkilnError | undefined;
  writeWhole(process.stdout);
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (cause: NodeJS.ErrnoException) => {
      // EIO: the terminal itself is gone.
      const isGone = cause.code === 'EPIPE' || (cause.code === 'EIO' && stream.isTTY);
      if (!isGone && stream === process.stderr) return;
      if (!isGone) lost ??= unwritable(cause);
      if (controller.signal.aborted) return;
      controller.abort(lost ?? new VmkilnError('INTERRUPTED', 'nobody reads the output any more'));
    });
  }
  return () => lost;
}

function unwritable(cause: NodeJS.ErrnoException): VmkilnError {
  return new VmkilnError(isFull(cause) ? 'DISK_FULL' : 'HOST_UNFIT', `the output cannot be written: ${cause.message}`, {
    hint: 'what it was to say is lost, and what was done before stays done: send the output elsewhere',
    cause,
  });
}

/**
 * Writes all of a chunk to a file, or fails: Node.js takes it for written when the disk had room for its beginning. Other
 * streams do as they are told.
 */
function writeWhole(stream: NodeJS.WriteStream & { fd: number }): void {
  if (!fstatSync(stream.fd).isFile()) return;
  // The way in which a stream writes is its own to say: see "Implementing a writable stream" of Node.js.
  // oxlint-disable-next-line no-underscore-dangle
  stream._write = (chunk: Buffer, _encoding, done) => {
    try {
      for (let at = 0; at < chunk.length;) at += writeSync(stream.fd, chunk, at);
      done();
    } catch (cause) {
      done(cause as Error);
    }
  };
}

/** Waits until a stream has passed on, or lost, what was written to it. */
export async function flush(stream: NodeJS.WriteStream): Promise<void> {
  await new Promise((done) => stream.write('', done));
}
