import { randomUUID } from 'node:crypto';
import { symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isScap, type OwnCheck } from '../recipe/verify.ts';
import { diskFull, takesData } from '../store/files.ts';
import { lastWords } from '../tools/exec.ts';
import { askGuest, type Question } from '../tools/guestfs.ts';
import { coverImage, imageOptions } from '../tools/qemu-img.ts';
import { judge } from './checks.ts';
import { type Clone, type ClonedImage, type CloneWorld, makeClone } from './clone.ts';
import { compare } from './compare.ts';
import { bootStop, consoleFault, hasPrompt } from './console.ts';
import { type CheckResult, type Expectation, type LinuxExpectation, resultOf } from './expectation.ts';
import { type Facts, lines, parseFacts } from './facts.ts';
import { runScap } from './oscap.ts';
import { openPorts, sshFault } from './ports.ts';
import { bootPractice } from './practice-boot.ts';
import { ownChecksLeftOut, runOwnChecks } from './own-checks.ts';
import { defaultUser, judgeSealed, questions, rootSize, unanswered } from './sealed.ts';
import { configDrive, metadataService, noCloud } from './seed.ts';
import { type Verdict, verdictOf, withSkips } from './verdict.ts';

/** Bytes that the disks of the clones have more than the image: what a flavor gives. */
const grown = 1024 ** 3;

/** Asks an overlay of the image by commands of guestfish(1). */
export type Look = (overlay: string, questions: readonly Question[]) => Promise<{ stdout: string; stderr: string }>;

/** `note` is told what is going on; `checks` are of the user's own; `skip` names those that may fail; `network` lets the clones reach other hosts; `metadataService` makes the second boot ask the metadata service; `goss` is its path on this host; `practiceDvd` that of the medium that a rehearsed Windows runs from; `look` asks the image in place of an appliance for that alone. */
type VerifyOptions = {
  note: (message: string) => void;
  checks: readonly OwnCheck[];
  skip: readonly string[];
  network: boolean;
  metadataService: boolean;
  goss: string | undefined;
  practiceDvd?: string | undefined;
  look?: Look | undefined;
};

/**
 * Examines an image, as `examine` says.
 *
 * @throws VmkilnError DISK_FULL when it failed on a full disk of this host, which QEMU tells the guest as an error of its own; INTERRUPTED.
 */
export async function verifyImage(...[image, wanted, world, options]: Parameters<typeof examine>): Promise<Verdict> {
  const verdict = await examine(image, wanted, world, options);
  if (!verdict.passed && !(await takesData(world.folder))) throw diskFull(world.folder);
  return verdict;
}

/**
 * Looks into an image, then boots two clones of it side by side, one with a NoCloud seed and one with OpenStack's config drive, asks each
 * what it is like, compares them, and boots the first again with another network card. An image that is unfit already is not booted.
 */
async function examine(
  image: ClonedImage,
  wanted: Expectation,
  world: CloneWorld,
  { note, checks, skip, network, metadataService: asks, goss, practiceDvd, look }: VerifyOptions,
): Promise<Verdict> {
  note('looking into the image');
  const { results, user, rootBefore } = await lookInto(image, wanted, world, look);
  const sealed = withSkips(results, skip);
  if (checks.some(isScap) && verdictOf(sealed).passed) {
    note('evaluating the image by SCAP content');
    // One of its own: a guest's program may have run on the other, to list its packages.
    const disk = await overlayOf(image, 'scap.qcow2', world);
    sealed.push(...withSkips(await runScap(disk, checks.filter(isScap), basename(image.path), world), skip));
  }
  const inGuest = checks.filter((check) => !isScap(check));
  if (wanted.system === 'windows') {
    if (practiceDvd === undefined) sealed.push(notBooted);
    else if (verdictOf(sealed).passed) {
      note('booting a clone for the first time');
      sealed.push(...withSkips([await bootPractice(image, practiceDvd, wanted, world)], skip));
    }
    return verdictOf([...sealed, ...ownChecksLeftOut(inGuest, 'nobody can log in to a clone of Windows')]);
  }
  if (user === undefined || !verdictOf(sealed).passed) return verdictOf(sealed);
  const expected = { ...wanted, user, rootBefore, network };
  const options = { user, grown, network, machine: wanted.machine };
  const one = await makeClone(image, { ...options, name: 'clone-one', seed: noCloud }, world);
  const other = await makeClone(image, { ...options, name: 'clone-two', seed: configDrive }, world);
  try {
    note('booting two clones');
    const [first, second] = await Promise.all([
      visit(one, '52:54:00:76:6b:01', 'NoCloud', expected),
      visit(other, '52:54:00:76:6b:02', 'ConfigDrive', expected),
    ]);
    const seen = together([...sealed, ...first.results, ...second.results]);
    if (!first.facts || !second.facts) return verdictOf(withSkips(seen, skip));
    const known = withSkips([...seen, ...compare(first.facts, second.facts)], skip);
    const [again, own] = await Promise.all([
      verdictOf(known).passed ? againAs(one, wanted, asks ? metadataService : noCloud, note) : notAgain,
      runOwnChecks(other, inGuest, goss),
    ]);
    return verdictOf(withSkips([...known, again, ...own], skip), openPorts(first.facts, second.facts));
  } finally {
    await Promise.all([one.discard(), other.discard()]);
  }
}

async function lookInto(
  image: ClonedImage,
  wanted: Expectation,
  world: CloneWorld,
  look: Look = (overlay, asked) => world.run({ ...askGuest(overlay, world.folder, asked, world.host), accept: [1] }),
): Promise<{ results: CheckResult[]; user?: string | undefined; rootBefore: number }> {
  const overlay = join(world.folder, await overlayOf(image, 'sealed.qcow2', world));
  // What is printed are files of the guest's: one that is hostile must not begin a section.
  const mark = randomUUID();
  const { stdout, stderr } = await look(overlay, questions(wanted, mark));
  const facts = parseFacts(stdout, mark);
  if (facts === undefined) {
    const fault = `libguestfs cannot read the system in it: ${lastWords(stderr)}`;
    return { results: [resultOf('system', fault)], rootBefore: 0 };
  }
  const unread = unanswered(stderr);
  if (unread !== undefined)
    return { results: [resultOf('system', `libguestfs cannot read all of it: ${unread}`)], rootBefore: 0 };
  const results = judgeSealed(facts, wanted);
  if (wanted.system === 'windows') return { results, rootBefore: 0 };
  const user = wanted.user ?? defaultUser(facts);
  const nobody = user === undefined ? [resultOf('login', '/etc/cloud/cloud.cfg names no default user')] : [];
  return { results: [...results, ...nobody], user, rootBefore: rootSize(facts) };
}

/** Makes an overlay of the image in the folder, of the name that it returns. */
async function overlayOf(image: ClonedImage, name: string, { run, folder }: CloneWorld): Promise<string> {
  // The name of a backing file has at most 1023 bytes.
  const backing = join(folder, `${name}.image`);
  await symlink(image.path, backing);
  await run(coverImage(imageOptions(backing, image.format), image.format, join(folder, name)));
  return name;
}

/** What a clone is held to besides: its user, bytes of the root before the boot, and whether it reaches other hosts. */
type Expected = LinuxExpectation & { user: string; rootBefore: number; network: boolean };

/** What became of one clone. */
type Visit = { results: CheckResult[]; facts: Facts | undefined };

async function visit(clone: Clone, mac: string, source: string, wanted: Expected): Promise<Visit> {
  const { login, facts, saidAt, root } = await clone.boot(mac, { login: true, ask: 'all' });
  const console = await clone.console();
  const stop = facts === undefined && login !== undefined ? bootStop(console) : undefined;
  if (stop !== undefined) return { results: [resultOf(stop.check, stop.message), ...notReached], facts };
  const why = (facts && sshFault(facts)) ?? login;
  const last = console.trimEnd().split('\n').slice(-10).join('\n');
  // Its sudoers file may have come a moment later than its key.
  const sudo = login === undefined && !root ? await clone.root('true', 120) : undefined;
  const started = [
    resultOf('console', consoleFault(console)),
    resultOf('login', login === undefined ? undefined : `${wanted.user} cannot log in by SSH: ${why}\n${last}`),
    ...(login !== undefined || wanted.user === 'root'
      ? []
      : [resultOf('sudo', root || sudo?.exitCode === 0 ? undefined : `${wanted.user}: ${sudo?.stderr}`)]),
  ];
  if (facts === undefined) {
    // Whoever lets console and login fail is told all the same that nothing could be asked.
    const fault =
      hasPrompt(console) || login === undefined
        ? `cloud-init did not run the user data: it is off, or does not look for ${source} (datasource_list)`
        : 'the clone did not come up, and could not be asked';
    return { results: [...started, resultOf('cloud-init', fault)], facts };
  }
  const [, key = ''] = (await clone.publicKey()).split(' ');
  const { rootBefore, network } = wanted;
  const sight = { facts, wanted, hostname: clone.hostname, key, grown, rootBefore, network, now: saidAt };
  return { results: [...started, ...judge(sight)], facts };
}

/** Of a clone whose boot came to its end too early, which says so itself: nobody can log in, and nothing else is known. */
const notReached: readonly CheckResult[] = [
  resultOf('login', 'the system did not come up'),
  { check: 'console', outcome: 'skipped', message: 'the system did not come up' },
];

/** One result for each check, in the order of the first: what one of them found is wrong with the image. */
function together(results: readonly CheckResult[]): CheckResult[] {
  const weight = { failed: 0, passed: 1, skipped: 2 };
  const names = [...new Set(results.map(({ check }) => check))];
  return names.flatMap((name) => {
    const all = results.filter(({ check }) => check === name);
    return all.toSorted((one, other) => weight[one.outcome] - weight[other.outcome]).slice(0, 1);
  });
}

const notAgain: CheckResult = { check: 'second-boot', outcome: 'skipped', message: 'another check failed before' };

const notBooted: CheckResult = {
  check: 'first-boot',
  outcome: 'skipped',
  message: 'nobody has booted it: Windows says nothing that could be read without its screen',
};

/** Boots a clone again, as an instance of a snapshot of it, with a card of another address, told of itself by `source`. */
async function againAs(
  clone: Clone,
  { card }: LinuxExpectation,
  source: typeof noCloud,
  note: (message: string) => void,
): Promise<CheckResult> {
  note('booting a clone again, with another network card');
  await clone.cut();
  const mac = '52:54:00:76:6b:03';
  const { login: ended, facts } = await clone.boot(mac, { login: false, ask: 'cards' }, source);
  if (facts === undefined) {
    const silent = source === noCloud ? 'it says nothing' : `cloud-init got nothing from the metadata service`;
    return resultOf('second-boot', `it does not come up with another network card: ${ended ?? silent}`);
  }
  const links = lines(facts, 'links').map((line) => /^\d+: ([^:@\s]+)[:@].* link\/ether (\S+)/.exec(line) ?? []);
  const [, named] = links.find(([, , address]) => address === mac) ?? [];
  if (named === undefined || (card !== undefined && named !== card)) {
    const found = links.flatMap(([, name]) => name ?? []).join(', ') || 'nothing';
    return resultOf('second-boot', `with another network card the card is called ${found}, not ${card ?? 'anything'}`);
  }
  const has = new RegExp(`^\\d+: ${named} +inet `);
  if (!lines(facts, 'addresses').some((line) => has.test(line)))
    return resultOf('second-boot', `with another network card ${named} has no address`);
  const fault = (await clone.listens()) ? undefined : 'with another network card its SSH server is not to be reached';
  return resultOf('second-boot', fault);
}
