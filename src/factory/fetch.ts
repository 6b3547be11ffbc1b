import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { VmkilnError } from '../errors.ts';
import { get, type HttpOptions, lost, redactUrl, withRetries } from '../media/http.ts';
import { exec } from '../tools/exec.ts';
import { withTemporary } from '../tools/temporary.ts';

/** A text larger than this many bytes is no index of a repository. */
const mostText = 16 * 2 ** 20;
/** Bytes that a list of packages may have, unpacked: Debian's has 60 MiB, that of Fedora's updates 200 MiB. */
const mostUnpacked = 2 * 2 ** 30;

/** Fetches a small text. @throws VmkilnError MEDIA_DOWNLOAD, INTERRUPTED */
export async function fetchText(url: URL, options: HttpOptions): Promise<string> {
  const chunks: Uint8Array[] = [];
  await receive(url, options, async (body) => {
    chunks.length = 0;
    let size = 0;
    for await (const chunk of body) {
      size += chunk.length;
      if (size > mostText) throw unfit(url, 'is too large');
      chunks.push(chunk);
    }
  });
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * Fetches a list of packages and hands it over unpacked, in pieces of text. gzip is unpacked here; Node.js 20 has neither xz nor zstd, so
 * their own programs do it.
 *
 * @throws VmkilnError MEDIA_DOWNLOAD, TOOL_MISSING, COMMAND_FAILED, INTERRUPTED.
 */
export function fetchPacked(url: URL, options: HttpOptions, take: (text: string) => void): Promise<void> {
  return withTemporary('vmkiln-packages-', async (folder) => {
    const suffix = /\.(gz|xz|zst)$/.exec(url.pathname)?.[1] ?? '';
    const packed = join(folder, suffix === '' ? 'list' : `list.${suffix}`);
    await receive(url, options, (body) => pipeline(Readable.from(body), createWriteStream(packed)));
    const program = { xz: 'xz', zst: 'zstd' }[suffix];
    if (program !== undefined) {
      await exec({ program, args: ['-d', '-q', packed], timeout: 600, signal: options.signal });
    }
    const file = createReadStream(program === undefined ? packed : join(folder, 'list'));
    const unpacked = suffix === 'gz' ? file.pipe(createGunzip()) : file;
    // A broken read does not end what is piped from it.
    file.on('error', (error) => unpacked.destroy(error));
    const decoder = new TextDecoder();
    let size = 0;
    for await (const chunk of unpacked as AsyncIterable<Uint8Array>) {
      size += chunk.length;
      if (size > mostUnpacked) throw unfit(url, 'is too large');
      take(decoder.decode(chunk, { stream: true }));
    }
    take(decoder.decode());
  });
}

async function receive(
  url: URL,
  options: HttpOptions,
  use: (body: AsyncIterable<Uint8Array>) => Promise<void>,
): Promise<void> {
  const attempt = () =>
    get(url, {}, options, async (response, body) => {
      if (!response.ok) throw lost(`${redactUrl(url)}: an answer without a text (HTTP ${response.status})`);
      await use(body);
    });
  await withRetries(options, () => 0, attempt);
}

/** The error for what is not what it should be. */
export function unfit(url: URL, why: string): VmkilnError {
  return new VmkilnError('MEDIA_DOWNLOAD', `${redactUrl(url)} ${why}`, { hint: 'is it the address of a repository?' });
}
