import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { type ErrorCode, VmkilnError } from '../errors.ts';
import { screenshotToPng } from '../tools/screenshot.ts';
import { dumpDomain, takeScreenshot } from '../tools/virsh.ts';
import type { InstallFailure, InstallSettings } from './install-watch.ts';
import type { StageContext } from './stage.ts';
import type { Watch } from './watch.ts';

/** The error of a failed installation: what happened while it did what, and where everything about it is. */
export function explainFailure(
  failure: InstallFailure,
  watch: Watch,
  limits: Pick<InstallSettings, 'timeout' | 'stallTimeout'>,
  bundle: string,
): VmkilnError {
  const where = `console, screenshot, domain XML and logs are in ${bundle}`;
  const [code, message, hint] = sentences[failure](watch, limits);
  const error = new VmkilnError(code, message, { hint: hint === undefined ? where : `${hint}; ${where}` });
  error.bundle = bundle;
  return error;
}

type Sentence = (
  watch: Watch,
  limits: Pick<InstallSettings, 'timeout' | 'stallTimeout'>,
) => [code: ErrorCode, message: string, hint?: string];

const sentences: Record<InstallFailure, Sentence> = {
  fatal: ({ phase, fatal }) => ['INSTALL_FAILED', `the installer stopped while ${phase}:\n${fatal?.lines.join('\n')}`],
  paused: ({ phase }) => [
    'DISK_FULL',
    `QEMU paused the guest while ${phase}: its disk could not be written`,
    'most likely the filesystem of VMKILN_HOME is full: free some space there',
  ],
  frozen: () => [
    'INSTALL_STALLED',
    'the guest hung while it booted, and again when it was started anew: it printed, read and wrote nothing',
    'see the end of console.log',
  ],
  stalled: ({ phase }, { stallTimeout }) => [
    'INSTALL_STALLED',
    `nothing moved for ${stallTimeout} s while ${phase}: the installer is probably waiting for an answer`,
    'look at screenshot.png first',
  ],
  hung: ({ phase, limit }) => [
    'INSTALL_STALLED',
    `the guest was still ${phase} after ${limit} s, which never takes that long: it hangs`,
  ],
  timeout: ({ phase }, { timeout }) => [
    'INSTALL_TIMEOUT',
    `the installation did not end within ${timeout} s; it was ${phase}`,
    'raise install.timeout if it was still working',
  ],
};

/** What a person needs to understand a failed installation, in one folder. Each piece is taken if it can be. */
export async function collectBundle(watch: Watch, context: StageContext): Promise<string> {
  const bundle = context.kept('failure');
  await mkdir(bundle, { recursive: true });
  const { connect } = context.host;
  const pieces = [
    async () => {
      const raw = context.work('screenshot');
      await context.control(takeScreenshot(connect, context.domain, raw));
      await writeFile(`${bundle}/screenshot.png`, screenshotToPng(await readFile(raw)));
    },
    async () => {
      const { stdout } = await context.control(dumpDomain(connect, context.domain));
      await writeFile(`${bundle}/domain.xml`, stdout);
    },
    async () => writeFile(`${bundle}/phase.txt`, `${[watch.phase, ...(watch.fatal?.lines ?? [])].join('\n')}\n`),
    () => keepLogs(context, 'failure/'),
  ];
  const results = await Promise.allSettled(pieces.map((piece) => piece()));
  for (const result of results) {
    if (result.status === 'fulfilled' || context.signal.aborted) continue;
    const message = `part of the failure bundle is missing: ${String(result.reason)}`;
    context.emit({ type: 'warning', stage: 'install', message });
  }
  return bundle;
}

/** The logs are written into the work folder, which libvirt's daemons can reach, and kept in the build's folder. */
export async function keepLogs(context: StageContext, folder: string): Promise<void> {
  for (const log of ['console.log', 'installer.log']) {
    await copyFile(context.work(log), context.kept(folder + log)).catch(() => undefined);
  }
}
