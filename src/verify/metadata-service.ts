import { createServer } from 'node:http';
import { shellQuote } from '../text.ts';

/**
 * The metadata service of Nova as one instance sees it: its own answers, which any other process of this host could ask for too, and
 * which hold no secret. `forwarder` is a command for QEMU's `guestfwd`, which takes one connection to it.
 */
export type MetadataService = { forwarder: string; close(): void };

/**
 * Serves texts by their paths, which begin with `/` and end without; others are not found. As with Nova a slash at the end of a request
 * means nothing (nova/api/metadata/base.py, `lookup`).
 */
export async function serveMetadata(answers: Readonly<Record<string, string>>): Promise<MetadataService> {
  const texts = new Map(Object.entries(answers));
  const server = createServer((request, response) => {
    const path = request.url?.replace(/\/+$/, '') ?? '';
    const text = request.method === 'GET' ? texts.get(path) : undefined;
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': 'text/plain', connection: 'close' });
    response.end(text);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  return {
    forwarder: [process.execPath, '-e', forward, String(port)].map(shellQuote).join(' '),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Its standard input and output are the connection of the guest. It ends with either side. */
const forward = `const { stdin, stdout, argv } = process;
const service = require('node:net').connect({ host: '127.0.0.1', port: Number(argv[1]) });
stdin.pipe(service).on('error', () => process.exit(1)).on('end', () => stdout.write('', () => process.exit()));
service.pipe(stdout, { end: false });`.replaceAll('\n', ' ');
