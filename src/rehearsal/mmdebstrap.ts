import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What mmdebstrap says on standard error when it begins a step (`info` in its source), what that is here, and the fraction of the
 * time that is over by then, with that of packing what it leaves: measured on two cores, where all took four minutes.
 */
const steps = [
  { match: /^I: running apt-get update/, message: 'reading the lists of packages', fraction: 0 },
  { match: /^I: downloading packages/, message: 'downloading packages', fraction: 0.02 },
  { match: /^I: extracting archives/, message: 'unpacking the base system', fraction: 0.03 },
  { match: /^I: installing essential packages/, message: 'installing the base system', fraction: 0.15 },
  { match: /^I: installing remaining packages/, message: 'installing packages', fraction: 0.21 },
  { match: /^I: running --customize-hook/, message: 'trimming the system', fraction: 0.83 },
  { match: /^I: creating tarball/, message: 'packing the system', fraction: 0.86 },
] as const;

const [packagesFrom, packagesTo] = [0.21, 0.83];

/** Milliseconds between two looks at what dpkg has done. */
const pause = 1000;

/** A run of mmdebstrap that is followed: `onLine` gets what it says, `close` when it has ended. */
export type Followed = { onLine: (line: string) => void; close: () => void };

/**
 * Tells how far mmdebstrap is, `fraction` from 0 to 1. It shows nothing itself while it installs, which takes most of its time,
 * unless to a terminal: its folder then has the log of dpkg, dpkg(1), where each package is installed and configured, and the
 * archives of those that are to be.
 */
export function followMmdebstrap(progress: (message: string, fraction: number) => void): Followed {
  let folder: string | undefined;
  let clock: NodeJS.Timeout | undefined;
  const stop = () => {
    clearInterval(clock);
    clock = undefined;
  };
  const watch = () => {
    let before: number | undefined;
    let looking = false;
    clock = setInterval(async () => {
      if (folder === undefined || looking) return;
      looking = true;
      // An ordinary user may be kept out of it.
      const counts = await countPackages(folder).catch(() => undefined);
      looking = false;
      if (counts === undefined || clock === undefined) return;
      before ??= counts.handled;
      const done = Math.min(1, (counts.handled - before) / (2 * Math.max(1, counts.wanted)));
      progress('installing packages', packagesFrom + done * (packagesTo - packagesFrom));
    }, pause);
  };
  return {
    onLine: (line) => {
      folder = /^I: using (\/.*) as tempdir/.exec(line)?.[1] ?? folder;
      const step = steps.find(({ match }) => match.test(line));
      if (step === undefined) return;
      stop();
      progress(step.message, step.fraction);
      if (step.fraction === packagesFrom) watch();
    },
    close: stop,
  };
}

async function countPackages(folder: string): Promise<{ handled: number; wanted: number }> {
  const log = await readFile(join(folder, 'var/log/dpkg.log'), 'utf8');
  const archives = await readdir(join(folder, 'var/cache/apt/archives'));
  return {
    handled: log.match(/^\S+ \S+ (install|configure) /gm)?.length ?? 0,
    wanted: archives.filter((name) => name.endsWith('.deb')).length,
  };
}
