import { connect, createServer } from 'node:net';

/** A port of the loopback that nobody has now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}

/** Whether an SSH server says who it is, within ten seconds (RFC 4253, 4.2): QEMU itself takes any connection, and ends it where nobody listens. */
export function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const end = (said: boolean) => {
      socket.destroy();
      resolve(said);
    };
    socket.setTimeout(10_000, () => end(false));
    socket.once('data', (bytes) => end(bytes.toString('latin1').startsWith('SSH-')));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
  });
}
