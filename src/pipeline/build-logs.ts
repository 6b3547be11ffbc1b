import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../explain/logs.ts';
import { bufferSource } from '../images/header.ts';
import { tarFiles } from '../images/tar.ts';

/** Of a longer log only so many bytes at its end are read. */
const mostBytes = 4 * 1024 * 1024;
/** Files of an archive that are looked at. */
const mostMembers = 2000;

/** What the installed machine said: its logs in the build's folder, in the order in which they say most. */
const installerLogs: readonly string[] = ['installer.log', 'console.log'];

/**
 * The logs of a build that may tell why it failed: when its installation failed, those of the installed machine and of the
 * failure bundle; then what the programs of the failed stage printed. Without a stage those of every stage count. virsh only
 * asks after the machine: its answers are left out.
 */
export async function readLogs(
  folder: string,
  { stage, isInstallation }: { stage?: string | undefined; isInstallation: boolean },
): Promise<Log[]> {
  const names = await listFiles(folder);
  // The bundle has copies of the first ones.
  const bundle = names.filter((name) => /^failure\/.*\.(log|tar)$/.test(name) && !names.includes(name.slice(8)));
  const ofMachine = isInstallation ? [...installerLogs.filter((name) => names.includes(name)), ...bundle] : [];
  const ofStage = names.filter((name) => {
    const [, whose] = /^logs\/\d+-([^-]+)-(?!virsh\.)/.exec(name) ?? [];
    return whose !== undefined && (stage === undefined || whose === stage);
  });
  const logs = await Promise.all([...ofMachine, ...ofStage].map((name) => readLog(folder, name)));
  return logs.flat();
}

async function listFiles(folder: string): Promise<string[]> {
  const found = await Promise.all(
    ['', 'failure', 'logs'].map(async (below) => {
      const entries = await readdir(join(folder, below), { withFileTypes: true }).catch(() => []);
      return entries.filter((entry) => entry.isFile()).map(({ name }) => join(below, name));
    }),
  );
  return found.flat().toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }));
}

/** One log, or those in an archive of an installer's logs: `failure/NAME.tar:MEMBER`. What cannot be read has nothing to say. */
async function readLog(folder: string, name: string): Promise<Log[]> {
  const bytes = await readFile(join(folder, name)).catch(() => Buffer.alloc(0));
  if (!name.endsWith('.tar')) return [logOf(name, bytes)];
  const members = tarFiles(bufferSource(bytes), mostMembers).filter((member) => /\.log$/i.test(member.name));
  return members
    .map((member) =>
      logOf(`${name}:${member.name.replace(/^\.\//, '')}`, bytes.subarray(member.at, member.at + member.size)),
    )
    .toSorted((a, b) => Number(/setuperr/i.test(b.file)) - Number(/setuperr/i.test(a.file)));
}

/** The text of a log, which Windows writes in UTF-16 at times; of a long one its end. */
function logOf(file: string, bytes: Buffer): Log {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { file, text: bytes.toString('utf16le', 2, mostBytes) };
  if (bytes.length <= mostBytes) return { file, text: bytes.toString('utf8') };
  const start = bytes.indexOf(10, bytes.length - mostBytes) + 1;
  let first = 1;
  for (let at = bytes.indexOf(10); at >= 0 && at < start; at = bytes.indexOf(10, at + 1)) first += 1;
  return { file, text: bytes.toString('utf8', start), first };
}
