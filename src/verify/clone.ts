import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../errors.ts';
import type { Host } from '../model.ts';
import type { Call, ExecResult } from '../tools/exec.ts';
import { type CloneMachine, findFirmware, runClone } from '../tools/qemu-clone.ts';
import { createOverlay } from '../tools/qemu-img.ts';
import { qemuNames } from '../tools/qemu-system.ts';
import { makeKey, sshTo } from '../tools/ssh.ts';
import { answerMedium } from '../tools/xorriso.ts';
import { type Facts, parseFacts } from './facts.ts';
import type { Instance, Seed } from './seed.ts';

const probe = fileURLToPath(new URL('../../templates/linux/probe.sh', import.meta.url));

/** What booting a clone takes of the world. */
export type CloneWorld = {
  /** Runs a program to its end, within the limits of the call; `signal` replaces that of the whole. */
  run: (call: Call & { input?: string }, signal?: AbortSignal) => Promise<ExecResult>;
  host: Pick<Host, 'accelerator'>;
  signal: AbortSignal;
  /** A private folder, in which each clone gets one of its own. */
  folder: string;
};

/** An image as its clones see it. Sizes are in bytes. */
export type ClonedImage = {
  path: string;
  format: 'qcow2' | 'raw';
  virtualSize: number;
  firmware: 'bios' | 'uefi';
  memory: number;
  diskBus: CloneMachine['diskBus'];
  machine?: string | undefined;
};

/** A clone, before and while it runs. */
export type Clone = {
  hostname: string;
  /** What its serial console has said. */
  console(): Promise<string>;
  /** Boots it, and waits until `user` can log in. Throws an Error with the reason when that does not come about. */
  boot(mac: string): Promise<void>;
  /** Runs probe.sh in it. */
  ask(): Promise<Facts>;
  /** Runs a command as root; every exit status is an answer. */
  root(command: string, timeout: number): Promise<ExecResult>;
  /** Powers it off. */
  stop(): Promise<void>;
};

/** Seconds that a clone may take until somebody can log in, and that its services may take after that. */
const patience = { kvm: { boot: 300, settle: 300 }, tcg: { boot: 1200, settle: 900 } } as const;

/** Makes a clone with a disk that is `grown` bytes larger than that of the image, which is only read. */
export async function makeClone(
  image: ClonedImage,
  {
    name,
    user,
    seed,
    grown,
    network,
  }: { name: string; user: string; seed: (instance: Instance) => Seed; grown: number; network: boolean },
  world: CloneWorld,
): Promise<Clone> {
  const folder = join(world.folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = (path: string) => join(folder, path);
  const limits = patience[world.host.accelerator];
  const call = ({ program, args, timeout }: ReturnType<typeof createOverlay>): Call => ({
    program,
    args: args.map((arg) => [arg].flat().join('')),
    timeout,
  });
  await world.run(call(createOverlay(file('disk.qcow2'), image.path, image.virtualSize + grown)));
  await world.run(makeKey(file('key')));
  const publicKey = (await readFile(file('key.pub'), 'utf8')).trim();
  const { label, files } = seed({ id: randomUUID(), hostname: name, publicKey });
  const places = Object.keys(files).map((path) => [path, file(path.replaceAll('/', '-'))] as const);
  for (const [path, place] of places) await writeFile(place, files[path] ?? '', { mode: 0o600 });
  await world.run(call(answerMedium(file('seed.iso'), label, Object.fromEntries(places))));
  const firmware = image.firmware === 'uefi' ? await ownFirmware(file('variables.fd')) : undefined;
  const uuid = randomUUID();

  let port = 0;
  let power = new AbortController();
  let running: Promise<string> = Promise.resolve('it was not started');
  let ended = true;
  const ssh = (command: string, timeout: number) => sshTo({ port, user, key: file('key') }, command, timeout);
  const anyStatus = Array.from({ length: 255 }, (_, index) => index + 1);
  const console = () => readFile(file('console.log'), 'utf8').catch(() => '');

  return {
    hostname: name,
    console,
    boot: async (mac) => {
      port = await freePort();
      power = new AbortController();
      ended = false;
      const machine = {
        ...image,
        disk: file('disk.qcow2'),
        seed: file('seed.iso'),
        console: file('console.log'),
        mac,
        uuid,
        port,
        firmware,
        network,
      };
      const call = runClone(qemuProgram(), machine, world.host, limits.boot + limits.settle + 3600);
      running = world
        .run(call, AbortSignal.any([world.signal, power.signal]))
        .then(() => 'it powered itself off', messageOf)
        .finally(() => (ended = true));
      for (const deadline = Date.now() + limits.boot * 1000; ; await sleep(1000, undefined, { signal: world.signal })) {
        const { exitCode, stderr } = await world.run({ ...ssh('true', 60), accept: anyStatus });
        if (exitCode === 0) return;
        if (ended) throw new Error(`the clone ended before anybody could log in: ${await running}`);
        if (Date.now() > deadline)
          throw new Error(`${user} cannot log in by SSH after ${limits.boot} s: ${stderr.trim()}`);
      }
    },
    ask: async () => {
      // A terminal, which sudo of RHEL 6 and 7 may want (requiretty), would mix the script with what it prints.
      await world.run({ ...ssh('cat > .probe', 120), input: await readFile(probe, 'utf8') });
      const sudo = user === 'root' ? '' : 'sudo -n ';
      const script = `${sudo}sh .probe ${limits.settle}; rm -f .probe`;
      const call = ssh(script, limits.settle + 600);
      const { stdout } = await world.run({ ...call, args: ['-tt', ...call.args], accept: anyStatus });
      return parseFacts(stdout.replaceAll('\r', ''));
    },
    root: (command, timeout) =>
      world.run({
        ...ssh(user === 'root' ? command : `sudo -n sh -c '${command.replaceAll("'", `'\\''`)}'`, timeout),
        accept: anyStatus,
      }),
    stop: async () => {
      if (ended) return;
      await world.run({ ...ssh('sudo -n poweroff || poweroff', 60), accept: anyStatus }).catch(() => undefined);
      await Promise.race([running, sleep(60_000)]);
      power.abort();
      await running;
    },
  };
}

/** RHEL has it off the PATH under another name. */
function qemuProgram(): string {
  const [usual, other] = qemuNames;
  return existsSync(other) ? other : usual;
}

async function ownFirmware(variables: string): Promise<CloneMachine['firmware']> {
  const found = findFirmware();
  if (found === undefined) throw new Error('there is no UEFI firmware on this host: install ovmf (edk2-ovmf)');
  await mkdir(dirname(variables), { recursive: true });
  await copyFile(found.variables, variables);
  return { code: found.code, variables };
}

/** A port of the loopback that nobody has now. */
function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
