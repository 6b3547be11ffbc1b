import { randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../errors.ts';
import type { ApplianceHost, Command } from '../model.ts';
import { shellQuote } from '../text.ts';
import type { Call, ExecResult } from '../tools/exec.ts';
import { type CloneMachine, findFirmware, type InstanceData, runClone } from '../tools/qemu-clone.ts';
import { coverImage, imageOptions } from '../tools/qemu-img.ts';
import { qemuNames } from '../tools/qemu-system.ts';
import { connectionSocket, keepConnection, makeKey, sshTo } from '../tools/ssh.ts';
import { answerMedium } from '../tools/xorriso.ts';
import { bootStop, hasPrompt } from './console.ts';
import type { LinuxExpectation } from './expectation.ts';
import { type Facts, parseFacts } from './facts.ts';
import { freePort, greets } from './loopback.ts';
import { serveMetadata } from './metadata-service.ts';
import type { Instance, Seed } from './seed.ts';
import { wait } from '../wait.ts';

/** What a clone can be asked by its user data: all that the checks want to know, or which network cards it has. */
const scripts = { all: 'probe.sh', cards: 'cards.sh' } as const;

/** What booting a clone takes of the world. */
export type CloneWorld = {
  /** Runs a program to its end, within the limits of the call; `signal` replaces that of the whole. */
  run: (call: Call, signal?: AbortSignal) => Promise<ExecResult>;
  host: ApplianceHost;
  signal: AbortSignal;
  /** A private folder, in which each clone gets one of its own. */
  folder: string;
};

/** An image as its clones see it. Sizes are in bytes. */
export type ClonedImage = {
  path: string;
  /** As QEMU calls it. */
  format: string;
  virtualSize: number;
  firmware: 'bios' | 'uefi';
};

/** What is awaited of a boot: that the user can log in, that the clone says of itself what a script asks, or both. */
type Awaited = { login: boolean; ask?: keyof typeof scripts };

/**
 * What came of a boot: why `user` cannot log in, what the clone said of itself and by when (seconds since 1970, by this host's clock), and
 * whether the user became root when logging in.
 */
type Boot = { login: string | undefined; facts: Facts | undefined; saidAt: number; root: boolean };

/** A data source of cloud-init: where and how it tells an instance of itself. */
type DataSource = (instance: Instance) => Seed;

/** A clone, before and while it runs. */
export type Clone = {
  hostname: string;
  /** The key that lets its user in, as a line of authorized_keys. */
  publicKey(): Promise<string>;
  /** What its serial console has said since it was last started. */
  console(): Promise<string>;
  /**
   * Boots it as a new instance with a network card of this address, and waits for what is awaited, or the end of its patience. `source` says
   * what it is told of itself, if not what it was made with.
   */
  boot(mac: string, awaited: Awaited, source?: DataSource): Promise<Boot>;
  /** Whether its SSH server answers, within a minute: its network works, and nobody needs to log in. */
  listens(): Promise<boolean>;
  /** Runs a command as root, within `timeout` seconds; every exit status is an answer. */
  root(command: string, timeout: number): Promise<ExecResult>;
  /** Copies a file of this host into the home of the user, where `root` begins. */
  send(path: string, as: string): Promise<void>;
  /** Ends it when all that it has written is on its disk, as for a snapshot. */
  cut(): Promise<void>;
  /** Shuts it down: its disk is as whole as that of an instance. */
  stop(): Promise<void>;
  /** Ends it at once, for nobody needs its disk any more. */
  discard(): Promise<void>;
};

/**
 * Seconds that a clone may take until it shows a first sign of life, a login prompt on its console or a login; then until it answers; and
 * until somebody can log in to one that has answered, whose services have all started.
 */
const patience = {
  kvm: { life: 300, answers: 240, login: 60 },
  tcg: { life: 1200, answers: 900, login: 240 },
} as const;

/** Seconds after which a clone ends in any case. */
const longest = 6 * 3600;

const anyStatus = Array.from({ length: 255 }, (_, index) => index + 1);

/** Makes a clone with a disk that is `grown` bytes larger than that of the image, which is only read. */
export async function makeClone(
  image: ClonedImage,
  options: {
    name: string;
    user: string;
    seed: DataSource;
    grown: number;
    network: boolean;
    machine: LinuxExpectation['machine'];
  },
  world: CloneWorld,
): Promise<Clone> {
  const { name, user, grown, network } = options;
  const folder = join(world.folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = (path: string) => join(folder, path);
  // The name of a backing file has at most 1023 bytes.
  await symlink(image.path, file('image'));
  const from = imageOptions(file('image'), image.format);
  await world.run(coverImage(from, image.format, file('disk.qcow2'), image.virtualSize + grown));
  await world.run(makeKey(file('key')));
  const firmware = image.firmware === 'uefi' ? await ownFirmware(file('variables.fd')) : undefined;
  const mark = randomUUID();
  const limits = patience[world.host.accelerator];
  const [usual, other] = qemuNames;
  // RHEL has it off the PATH under another name.
  const qemu = existsSync(other) ? other : usual;

  let port = 0;
  let power = new AbortController();
  let running: Promise<string> = Promise.resolve('it was not started');
  let connection: Promise<void> = Promise.resolve();
  let on = false;
  let root = false;
  const place = () => ({ port, user, key: file('key'), folder });
  const ssh = (command: string, timeout: number) =>
    world.run({ ...sshTo(place(), command, timeout), accept: anyStatus });
  const tried = (command: string) =>
    ssh(command, 60).catch((cause: unknown) => ({ exitCode: 255, stderr: messageOf(cause) }));
  const text = (path: string) => readFile(file(path), 'utf8').catch(() => '');
  const publicKey = async () => (await readFile(file('key.pub'), 'utf8')).trim();
  const become = user === 'root' ? '' : 'sudo -n ';

  /** Opens the connection that the commands then share; why it cannot. */
  async function logIn(): Promise<string | undefined> {
    const attempt = new AbortController();
    const ended: { why?: string } = {};
    const call = { ...keepConnection(place(), longest), accept: anyStatus };
    connection = world
      .run(call, AbortSignal.any([world.signal, power.signal, attempt.signal]))
      .then(({ stderr }) => stderr.trim(), messageOf)
      .then((fault) => void (ended.why = fault));
    const deadline = Date.now() + 60_000;
    while (ended.why === undefined && !existsSync(file(connectionSocket)) && Date.now() < deadline) await sleep(200);
    // One answer for both: the first session of a user takes a guest without KVM some twenty seconds.
    const both = ended.why === undefined ? await tried(`${become}true`) : { exitCode: 255, stderr: ended.why };
    root = both.exitCode === 0;
    const { exitCode, stderr } = root || both.exitCode === 255 ? both : await tried('true');
    if (exitCode === 0) return undefined;
    attempt.abort();
    await connection;
    return stderr.trim();
  }

  /** Writes what the clone is told of itself, in place of what it was told before, and returns where it finds it. */
  async function tell(source: DataSource, uuid: string, script: string): Promise<InstanceData & { close(): void }> {
    const template = await readFile(new URL(`../../templates/linux/${script}`, import.meta.url), 'utf8');
    const userData = template.replace(/^mark=.*$/m, `mark=${mark}`);
    const { label, files } = source({ id: uuid, hostname: name, publicKey: await publicKey(), script: userData });
    if (label === undefined) {
      const { forwarder, close } = await serveMetadata(files);
      return { metadata: forwarder, close };
    }
    const places: Record<string, string> = {};
    for (const [path, content] of Object.entries(files)) {
      const written = file(path.replaceAll('/', '-'));
      await writeFile(written, content, { mode: 0o600 });
      places[path] = written;
    }
    const seed = file('seed.iso');
    await rm(seed, { force: true });
    await world.run(plain(answerMedium(seed, label, places)));
    return { seed, close: () => undefined };
  }

  async function watch(expected: Awaited): Promise<Boot> {
    const came = async () => ({
      login,
      facts,
      root,
      saidAt: facts === undefined ? 0 : await lastWrite(file('answers.log')),
    });
    let login: string | undefined = expected.login ? 'it was not tried' : undefined;
    let facts: Facts | undefined;
    let awaited: keyof typeof limits = 'life';
    let deadline = Date.now() + limits.life * 1000;
    for (let round = 0; ; round++) {
      if (expected.ask) facts ??= parseFacts(await text('answers.log'), mark);
      // Before there is a prompt nobody listens, unless the console is silent.
      const console = await text('console.log');
      const isAlive = (login === undefined && expected.login) || facts !== undefined || hasPrompt(console);
      if (login !== undefined && (isAlive || round % 10 === 9)) login = await logIn();
      const done = login === undefined && (facts !== undefined || !expected.ask);
      if (done || !on || Date.now() > deadline || (!isAlive && bootStop(console) !== undefined)) return came();
      const next = facts !== undefined ? 'login' : isAlive ? 'answers' : 'life';
      if (next !== awaited) deadline = Date.now() + limits[next] * 1000;
      awaited = next;
      await wait(3000, 'booting a clone', world.signal);
    }
  }

  async function discard(): Promise<void> {
    power.abort();
    await Promise.all([running, connection]);
  }

  return {
    hostname: name,
    publicKey,
    console: () => text('console.log'),
    boot: async (mac, awaited, source = options.seed) => {
      for (let tries = 1; ; tries++) {
        port = await freePort();
        power = new AbortController();
        // Those of the boot before.
        for (const left of [connectionSocket, 'console.log', 'answers.log']) await rm(file(left), { force: true });
        const uuid = randomUUID();
        const told = await tell(source, uuid, scripts[awaited.ask ?? 'cards']);
        on = true;
        root = false;
        const [disk, console, answers] = ['disk.qcow2', 'console.log', 'answers.log'].map(file);
        const places = { disk, console, answers } as Pick<CloneMachine, 'disk' | 'console' | 'answers'>;
        const machine = { ...options.machine, ...places, ...told, mac, uuid, port, firmware, network };
        running = world
          .run(runClone(qemu, machine, world.host, longest), AbortSignal.any([world.signal, power.signal]))
          .then(() => 'it powered itself off', messageOf)
          .finally(() => {
            on = false;
            told.close();
          });
        const boot = await watch(awaited);
        if (on || (boot.login === undefined && (boot.facts !== undefined || !awaited.ask))) return boot;
        const end = await running;
        // Somebody has taken the port meanwhile.
        if (tries < 3 && /host forwarding rule/.test(end)) continue;
        return { ...boot, login: `the clone ended: ${end}` };
      }
    },
    root: (command, timeout) => ssh(`${become}sh -c ${shellQuote(command)}`, timeout),
    send: async (path, as) => {
      // Every guest has base64, and not every one what scp needs.
      const call = sshTo(place(), `base64 -d > ${shellQuote(as)}`, 300);
      await world.run({ ...call, input: (await readFile(path)).toString('base64') });
    },
    listens: async () => {
      const deadline = Date.now() + 60_000;
      while (Date.now() < deadline) {
        if (!on || (await greets(port))) return on;
        await wait(1000, 'asking for the SSH server of a clone', world.signal);
      }
      return false;
    },
    cut: async () => {
      if (on) await ssh('sync', 120).catch(() => undefined);
      await discard();
    },
    stop: async () => {
      if (!on) return;
      await ssh(`${become}poweroff`, 60).catch(() => undefined);
      await Promise.race([running, sleep(60_000)]);
      await discard();
    },
    discard,
  };
}

/** When a file was last written, in seconds since 1970. */
async function lastWrite(path: string): Promise<number> {
  return (await stat(path)).mtimeMs / 1000;
}

/** A command of plain words as a call. */
function plain({ program, args, timeout }: Command): Call {
  return { program, args: args.map((arg) => [arg].flat().join('')), timeout };
}

/** Firmware for a machine with UEFI, whose variables are its own. */
export async function ownFirmware(variables: string): Promise<CloneMachine['firmware']> {
  const found = findFirmware();
  if (found === undefined) throw new Error('there is no UEFI firmware on this host: install ovmf (edk2-ovmf)');
  await copyFile(found.variables, variables);
  return { code: found.code, variables };
}
