import { chmod, mkdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { interrupted, messageOf, VmkilnError } from '../errors.ts';
import { findProgram } from '../host/programs.ts';
import type { Env } from '../model.ts';
import { isScap, type OwnCheck, type ScapCheck, timeoutOf } from '../recipe/verify.ts';
import { exec } from '../tools/exec.ts';
import { mountGuest } from '../tools/guestfs.ts';
import { describeContent, evaluateProfile } from '../tools/oscap.ts';
import { wait } from '../wait.ts';
import { formatDuration } from '../text.ts';
import type { CloneWorld } from './clone.ts';
import type { CheckResult } from './expectation.ts';
import { scapResult } from './oscap-result.ts';

/** What an evaluation needs, and the packages of Debian and Fedora that have it. */
const programs = [
  { names: ['oscap'], packages: 'openscap-scanner' },
  { names: ['guestmount'], packages: 'guestmount (Debian) or libguestfs-fuse, guestfs-tools (Fedora)' },
  // Which one depends on the libfuse that guestmount is built with.
  { names: ['fusermount', 'fusermount3'], packages: 'fuse or fuse3' },
];

/** Seconds until the appliance has mounted a guest, at most. */
const patience = 900;

/**
 * Finds out whether the checks by SCAP content can be made at all: the programs are there, the content is a source data stream, and it or the tailoring
 * has the profile.
 *
 * @throws VmkilnError TOOL_MISSING, RECIPE_INVALID, INTERRUPTED
 */
export async function checkScap(
  checks: readonly OwnCheck[],
  { env, signal }: { env: Env; signal: AbortSignal },
): Promise<void> {
  const found = checks.filter(isScap);
  if (found.length === 0) return;
  for (const { names, packages } of programs) {
    if ((await findProgram(names, env)) === undefined) {
      throw new VmkilnError('TOOL_MISSING', `${names[0]} is not on the PATH, and ${nameOf(found[0])} needs it`, {
        hint: `install ${packages}`,
      });
    }
  }
  for (const { oscap, profile, tailoring } of found) {
    const content = await describe(oscap, 'Source Data Stream', { env, signal });
    const tailored = tailoring === undefined ? '' : await describe(tailoring, 'XCCDF Tailoring', { env, signal });
    const ids = [...new Set(profilesIn(`${content}\n${tailored}`))];
    if (ids.includes(profile)) continue;
    const ends = ids.filter((id) => id.endsWith(profile));
    if (ends.length === 1) continue;
    const where = tailoring === undefined ? oscap : `${oscap} and ${tailoring}`;
    const fault = ends.length === 0 ? 'there is no profile' : 'there is more than one profile';
    throw new VmkilnError('RECIPE_INVALID', `${fault} ${profile} in ${where}`, {
      hint: ids.length === 0 ? 'it has no profile at all' : `there are ${(ends.length > 0 ? ends : ids).join(', ')}`,
    });
  }
}

/** What oscap says of a file. @throws VmkilnError RECIPE_INVALID when it is of another kind. */
async function describe(file: string, kind: string, { env, signal }: { env: Env; signal: AbortSignal }) {
  const said = await exec({ ...describeContent(file), env, signal, accept: [1] });
  const type = /^Document type: (.+)$/m.exec(said.stdout)?.[1];
  if (said.exitCode === 0 && type === kind) return said.stdout;
  const found = type === undefined ? said.stderr.trim().split('\n')[0] : `oscap calls it ${type}`;
  throw new VmkilnError('RECIPE_INVALID', `${file} is no ${kind}: ${found}`, {
    hint: '`oscap info FILE` says what a file is; `oscap ds sds-compose` makes a data stream of XCCDF and OVAL',
  });
}

function profilesIn(said: string): string[] {
  return [...said.matchAll(/^\s+Id: (\S+)$/gm)].flatMap(([, id]) => id ?? []);
}

/** What an evaluation leaves in the folder: the results as ARF and as a page; `index` counts the checks by SCAP content. */
export function reportsOf(index: number): { arf: string; report: string } {
  return { arf: `oscap-${index + 1}.arf.xml`, report: `oscap-${index + 1}.html` };
}

/**
 * Evaluates an image by SCAP content without booting it, as oscap-vm(8) does: mounted for this and only to be read. A link that climbs out of the guest
 * by too many `..` leads to files of this host.
 *
 * @param disk a qcow2 in `folder`, in which what `reportsOf` names is left, for its owner alone: it holds what was read in the guest.
 * @param image the name of the image, for the reports.
 * @throws VmkilnError INTERRUPTED
 */
export async function runScap(
  disk: string,
  checks: readonly ScapCheck[],
  image: string,
  world: CloneWorld,
): Promise<CheckResult[]> {
  const root = join(world.folder, 'scap-root');
  await mkdir(root, { mode: 0o700 });
  const allowed = checks.reduce((sum, check) => sum + timeoutOf(check), patience);
  const stop = new AbortController();
  const ended: { why?: string } = {};
  const mounted = world
    .run(mountGuest(join(world.folder, disk), root, world.host, allowed), AbortSignal.any([world.signal, stop.signal]))
    .then(() => 'it ended by itself', messageOf)
    .then((why) => void (ended.why = why));
  try {
    const deadline = Date.now() + patience * 1000;
    while (ended.why === undefined && !(await isMount(root))) {
      if (Date.now() > deadline) return unread(checks, `it was not mounted within ${formatDuration(patience)}`);
      await wait(500, 'mounting the image', world.signal);
    }
    if (ended.why !== undefined) return unread(checks, ended.why);
    const results = await evaluate(checks, { root, image }, world);
    // Of a file that cannot be read any more a rule may say that it is rightly not there.
    return ended.why === undefined ? results : unread(checks, ended.why);
  } finally {
    stop.abort();
    await mounted;
    // fusermount unmounts a moment after that.
    const deadline = Date.now() + 10_000;
    while ((await isMount(root)) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function unread(checks: readonly ScapCheck[], why: string): CheckResult[] {
  const message = `the system in the image could not be read: ${why}`;
  return checks.map((check) => ({ check: nameOf(check), outcome: 'failed', message }));
}

/** Evaluates a system whose files lie below `root`, check by check. @throws VmkilnError INTERRUPTED */
export async function evaluate(
  checks: readonly ScapCheck[],
  { root, image }: { root: string; image: string },
  { run, folder, signal }: Pick<CloneWorld, 'run' | 'folder' | 'signal'>,
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const [index, check] of checks.entries()) {
    const [arf, report] = Object.values(reportsOf(index)).map((name) => join(folder, name)) as [string, string];
    const content = { file: check.oscap, profile: check.profile, tailoring: check.tailoring };
    try {
      await run(evaluateProfile(content, { root, name: image, arf, report }, timeoutOf(check)));
      const { failed, message, rules } = scapResult(await readFile(arf, 'utf8'), check.severity);
      results.push({ check: nameOf(check), outcome: failed ? 'failed' : 'passed', message, rules });
    } catch (error) {
      if (signal.aborted) throw interrupted('evaluating the image', signal);
      results.push({ check: nameOf(check), outcome: 'failed', message: messageOf(error) });
    }
    for (const file of [arf, report]) await chmod(file, 0o600).catch(() => undefined);
  }
  return results;
}

function nameOf(check: ScapCheck | undefined): string {
  return `oscap ${basename(check?.oscap ?? '')} ${check?.profile}`;
}

/** Whether something is mounted there. A mount whose program has gone cannot be asked. */
async function isMount(folder: string): Promise<boolean> {
  const [inside, outside] = await Promise.all([stat(folder).catch(() => undefined), stat(join(folder, '..'))]);
  return inside === undefined || inside.dev !== outside.dev;
}
