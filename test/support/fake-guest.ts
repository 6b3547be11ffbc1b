import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A folder that stands for the guest's root, with commands that note how they are called. */
export type FakeGuest = {
  write(path: string, text: string): void;
  read(path: string): string | undefined;
  /** Where a file of the guest is. */
  path(path: string): string;
  remove(path: string): void;
  /** Makes a symbolic link, to a path as it stands. */
  link(path: string, target: string): void;
  /** Makes a file older, by hours. */
  age(path: string, hours: number): void;
  /** Makes a command that notes its arguments and then runs a line of shell. */
  command(name: string, body?: string): void;
  /** Runs a guest script on this root; `onTerminal` with a terminal as its output, as a serial port is. */
  run(script: string, options?: { onTerminal?: boolean }): { status: number | null; output: string; calls: string[] };
};

const folders = '(boot|etc|home|lib|media|mnt|opt|root|run|srv|tmp|usr|var)';

/** A script with the paths of the guest's files below a root. One that would touch this machine's own is not run at all. */
function moveTo(root: string, script: string): string {
  const mark = '\u0001';
  const moved = script.replaceAll(new RegExp(String.raw`(?<=[\s"'=#])\/(?=${folders}\b)`, 'g'), `${mark}/`);
  const missed = new RegExp(String.raw`(?<![\w.*}/${mark}-])\/${folders}\b`).exec(moved);
  if (missed) throw new Error(`the script would touch this machine: ${moved.slice(missed.index, missed.index + 60)}`);
  return moved.replaceAll(mark, root);
}

export function fakeGuest(): FakeGuest {
  const root = mkdtempSync(join(tmpdir(), 'vmkiln-guest-'));
  const at = (path: string) => join(root, path);
  const write = (path: string, text: string) => {
    mkdirSync(dirname(at(path)), { recursive: true });
    writeFileSync(at(path), text);
  };
  mkdirSync(at('commands'));
  return {
    write,
    read: (path) => (existsSync(at(path)) ? readFileSync(at(path), 'utf8') : undefined),
    path: at,
    remove: (path) => rmSync(at(path), { recursive: true }),
    link(path, target) {
      mkdirSync(dirname(at(path)), { recursive: true });
      symlinkSync(target, at(path));
    },
    age(path, hours) {
      const then = Date.now() / 1000 - hours * 3600;
      utimesSync(at(path), then, then);
    },
    command(name, body = '') {
      write(`commands/${name}`, `#!/bin/sh\necho "${name} $*" >> ${at('calls')}\n${body}\n`);
      chmodSync(at(`commands/${name}`), 0o755);
    },
    run(script, { onTerminal = false } = {}) {
      rmSync(at('calls'), { force: true });
      const moved = moveTo(root, script);
      const file = at('commands/script.sh');
      writeFileSync(file, moved);
      const argv = onTerminal ? ['script', '-qec', `sh ${file}`, '/dev/null'] : ['sh', file];
      const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), {
        encoding: 'utf8',
        env: { PATH: `${at('commands')}:/usr/bin:/bin` },
      });
      const calls = existsSync(at('calls')) ? readFileSync(at('calls'), 'utf8').trimEnd().split('\n') : [];
      return {
        status,
        output: `${stdout}${stderr}`.replaceAll(root, ''),
        calls: calls.map((call) => call.replaceAll(root, '')),
      };
    },
  };
}

/** Every file and link of a guest, but for what the test itself needs. */
export function everything(guest: FakeGuest): string[] {
  return readdirSync(guest.path('.'), { recursive: true })
    .map(String)
    .filter((path) => !/^(commands|calls)/.test(path) && !lstatSync(guest.path(path)).isDirectory())
    .toSorted();
}
