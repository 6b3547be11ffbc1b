import { messageOf } from '../errors.ts';
import { checkNames, judge } from './checks.ts';
import { type Clone, type ClonedImage, type CloneWorld, makeClone } from './clone.ts';
import { compare } from './compare.ts';
import type { OwnCheck } from '../recipe/verify.ts';
import type { CheckResult, Expectation } from './expectation.ts';
import { type Facts, lines } from './facts.ts';
import { runOwnChecks } from './own-checks.ts';
import { configDrive, noCloud } from './seed.ts';

const grown = 1024 ** 3;

/** `note` is told what is going on; `checks` are of the user's own; `network` lets the clones reach other hosts. */
export type VerifyOptions = { note: (message: string) => void; checks?: readonly OwnCheck[]; network?: boolean };

/** What became of one clone. */
type Visit = { clone: Clone; results: CheckResult[]; facts?: Facts };

/**
 * Boots two clones of an image side by side, one with a NoCloud seed and one with OpenStack's config drive, asks each what it is like,
 * compares them, and boots the first again with another network card.
 */
export async function verifyImage(
  image: ClonedImage,
  wanted: Expectation & { user: string },
  world: CloneWorld,
  { note, checks = [], network = false }: VerifyOptions,
): Promise<CheckResult[]> {
  const options = { user: wanted.user, grown, network };
  const [one, other] = await Promise.all([
    makeClone(image, { ...options, name: 'clone-one', seed: noCloud }, world),
    makeClone(image, { ...options, name: 'clone-two', seed: configDrive }, world),
  ]);
  try {
    note('booting two clones');
    const [first, second] = await Promise.all([
      visit(one, '52:54:00:76:6b:01', wanted),
      visit(other, '52:54:00:76:6b:02', wanted),
    ]);
    const both = together(first.results, second.results);
    if (!first.facts || !second.facts) return both;
    const own = await runOwnChecks(other, checks);
    note('booting a clone again, with another network card');
    return [...both, ...compare(first.facts, second.facts), await againAs(one, wanted), ...own];
  } finally {
    await Promise.all([one.stop(), other.stop()]);
  }
}

async function visit(clone: Clone, mac: string, wanted: Expectation): Promise<Visit> {
  const login = { check: 'login', outcome: 'passed', message: '' } as const;
  try {
    await clone.boot(mac);
  } catch (error) {
    const console = (await clone.console()).trimEnd().split('\n').slice(-10).join('\n');
    return { clone, results: [{ ...login, outcome: 'failed', message: `${messageOf(error)}\n${console}` }] };
  }
  let facts: Facts;
  try {
    facts = await clone.ask();
  } catch (error) {
    return {
      clone,
      results: [
        login,
        { check: 'sudo', outcome: 'failed', message: `nothing can be asked as root: ${messageOf(error)}` },
      ],
    };
  }
  const sight = {
    facts,
    wanted,
    console: await clone.console(),
    hostname: clone.hostname,
    grown,
    now: Date.now() / 1000,
  };
  return { clone, facts, results: [login, { ...login, check: 'sudo' }, ...judge(sight)] };
}

/** The same checks of two clones as one list: what either has is wrong with the image. */
function together(one: readonly CheckResult[], other: readonly CheckResult[]): CheckResult[] {
  return ['login', 'sudo', ...checkNames].flatMap((check) => {
    const found = [one, other].flatMap((results) => results.filter((result) => result.check === check));
    return found.find(({ outcome }) => outcome === 'failed') ?? found[0] ?? [];
  });
}

/** Boots a clone again, as from a snapshot, with a card of another address. */
async function againAs(clone: Clone, wanted: Expectation): Promise<CheckResult> {
  const check = 'second-boot';
  await clone.stop();
  try {
    await clone.boot('52:54:00:76:6b:03');
    const facts = await clone.ask();
    const cards = lines(facts, 'cards');
    const named = cards.find((line) => line.endsWith(':03'))?.split(' ')[0];
    const right = wanted.card === undefined ? named !== undefined : named === wanted.card;
    const has = lines(facts, 'addresses').some((line) => line.includes(` ${named} `));
    if (right && has) return { check, outcome: 'passed', message: '' };
    const message = right
      ? `with another network card ${named} has no address`
      : `with another network card the card is called ${cards.join(', ') || 'nothing'}, not ${wanted.card}`;
    return { check, outcome: 'failed', message };
  } catch (error) {
    return { check, outcome: 'failed', message: `it does not come up a second time: ${messageOf(error)}` };
  }
}
