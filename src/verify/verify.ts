import { randomUUID } from 'node:crypto';
import { symlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isScap, type OwnCheck } from '../recipe/verify.ts';
import { lastWords } from '../tools/exec.ts';
import { askGuest, type Question } from '../tools/guestfs.ts';
import { coverImage, imageOptions } from '../tools/qemu-img.ts';
import { consoleFault, hasPrompt, judge } from './checks.ts';
import { type Clone, type ClonedImage, type CloneWorld, makeClone } from './clone.ts';
import { compare } from './compare.ts';
import { type CheckResult, type Expectation, type LinuxExpectation, resultOf } from './expectation.ts';
import { type Facts, lines, parseFacts } from './facts.ts';
import { runScap } from './oscap.ts';
import { openPorts } from './ports.ts';
import { bootPractice } from './practice-boot.ts';
import { ownChecksLeftOut, runOwnChecks } from './own-checks.ts';
import { defaultUser, judgeSealed, questions } from './sealed.ts';
import { configDrive, metadataService, noCloud } from './seed.ts';
import { type Verdict, verdictOf, withSkips } from './verdict.ts';

/** Bytes that the disks of the clones have more than the image: what a flavor gives. */
const grown = 1024 ** 3;

/** The overlay that is looked into. */
const sealedDisk = 'sealed.qcow2';

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
 * Looks into an image, then boots two clones of it side by side, one with a NoCloud seed and one with OpenStack's config drive, asks each
 * what it is like, compares them, and boots the first again with another network card. An image that is unfit already is not booted.
 */
export async function verifyImage(
  image: ClonedImage,
  wanted: Expectation,
  world: CloneWorld,
  { note, checks, skip, network, metadataService: asks, goss, practiceDvd, look }: VerifyOptions,
): Promise<Verdict> {
  note('looking into the image');
  const { results, user } = await lookInto(image, wanted, world, look);
  const sealed = withSkips(results, skip);
  if (checks.some(isScap) && verdictOf(sealed).passed) {
    note('evaluating the image by SCAP content');
    sealed.push(...withSkips(await runScap(sealedDisk, checks.filter(isScap), basename(image.path), world), skip));
  }
  const inGuest = checks.filter((check) => !isScap(check));
  if (wanted.system === 'windows') {
    if (practiceDvd !== undefined && verdictOf(sealed).passed) {
      note('booting a clone for the first time');
      sealed.push(...withSkips([await bootPractice(image, practiceDvd, wanted, world)], skip));
    }
    return verdictOf([...sealed, ...ownChecksLeftOut(inGuest, 'nobody can log in to a clone of Windows')]);
  }
  if (user === undefined || !verdictOf(sealed).passed) return verdictOf(sealed);
  const expected = { ...wanted, user };
  const options = { user, grown, network, machine: wanted.machine };
  const one = await makeClone(image, { ...options, name: 'clone-one', seed: noCloud }, world);
  const other = await makeClone(image, { ...options, name: 'clone-two', seed: configDrive }, world);
  try {
    note('booting two clones');
    const [first, second] = await Promise.all([
      visit(one, '52:54:00:76:6b:01', expected),
      visit(other, '52:54:00:76:6b:02', expected),
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
  { run, host, folder }: CloneWorld,
  look: Look = (overlay, asked) => run({ ...askGuest(overlay, folder, asked, host), accept: [1] }),
): Promise<{ results: CheckResult[]; user: string | undefined }> {
  const [name, overlay] = ['sealed', sealedDisk].map((file) => join(folder, file)) as [string, string];
  await symlink(image.path, name);
  await run(coverImage(imageOptions(name, image.format), image.format, overlay));
  // What is printed are files of the guest's: one that is hostile must not begin a section.
  const mark = randomUUID();
  const { stdout, stderr } = await look(overlay, questions(wanted, mark));
  const facts = parseFacts(stdout, mark);
  if (facts === undefined) {
    const fault = `libguestfs cannot read the system in it: ${lastWords(stderr)}`;
    return { results: [resultOf('system', fault)], user: undefined };
  }
  const results = judgeSealed(facts, wanted);
  if (wanted.system === 'windows') return { results, user: undefined };
  const user = wanted.user ?? defaultUser(facts);
  const nobody = user === undefined ? [resultOf('login', '/etc/cloud/cloud.cfg names no default user')] : [];
  return { results: [...results, ...nobody], user };
}

/** What became of one clone. */
type Visit = { results: CheckResult[]; facts: Facts | undefined };

async function visit(clone: Clone, mac: string, wanted: LinuxExpectation & { user: string }): Promise<Visit> {
  const { login, facts, saidAt, root } = await clone.boot(mac, { login: true, ask: 'all' });
  const console = await clone.console();
  const last = console.trimEnd().split('\n').slice(-10).join('\n');
  // Its sudoers file may have come a moment later than its key.
  const sudo = login === undefined && !root ? await clone.root('true', 120) : undefined;
  const started = [
    resultOf('console', consoleFault(console)),
    resultOf('login', login === undefined ? undefined : `${wanted.user} cannot log in by SSH: ${login}\n${last}`),
    ...(login !== undefined || wanted.user === 'root'
      ? []
      : [resultOf('sudo', root || sudo?.exitCode === 0 ? undefined : `${wanted.user}: ${sudo?.stderr}`)]),
  ];
  if (facts === undefined) {
    // Whoever lets console and login fail is told all the same that nothing could be asked.
    const fault =
      hasPrompt(console) || login === undefined
        ? 'cloud-init did not run the user data: it is off, or does not see NoCloud or ConfigDrive'
        : 'the clone did not come up, and could not be asked';
    return { results: [...started, resultOf('cloud-init', fault)], facts };
  }
  const sight = { facts, wanted, hostname: clone.hostname, grown, now: saidAt };
  return { results: [...started, ...judge(sight)], facts };
}

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
