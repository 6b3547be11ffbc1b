import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Event, StageName } from '../../src/model.ts';
import { stages } from '../../src/pipeline/stages.ts';
import { listing, run } from '../support/image.ts';
import { allLeftovers, hasLayer, kill, layersOf, randomFrom, reached, removeLayer, ways } from '../support/kills.ts';
import { recipeOfOneInstallation } from '../support/one-installation.ts';
import { freshFolder, startVmkiln, vmkiln } from '../support/vmkiln.ts';

/** VMKILN_KILLS kills (three by default), each of some twenty seconds without KVM, at moments that VMKILN_KILL_SEED repeats. */
const kills = Number(process.env['VMKILN_KILLS'] ?? 3);
const seed = Number(process.env['VMKILN_KILL_SEED'] ?? Date.now() % 1_000_000);
const random = randomFrom(seed);
const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;

/** What comes after the installation is this run's own. */
const steps = `repositories: [{ id: practice, baseurl: "http://repository.example.com/" }]
packages: [cloud-utils-growpart]
customize: [{ write: { path: /etc/motd, content: "${seed}" } }]
`;

const folder = freshFolder('kills');
const out = join(folder, 'out');
const rehearse = ['rehearse', recipeOfOneInstallation(folder, `kills-${seed}`, steps), '--out', out];
/** The seed makes the builds this run's own, to look for. */
const name = `kills-${seed}-rehearsal`;
const image = join(out, `${name}.qcow2`);
const leaves = ['install', 'customize', 'sparsify'] as const;
/** Seconds that each stage takes on this machine, as measured by the runs that end it; a minute for one that none has run. */
const seconds: Partial<Record<StageName, number>> = {};
let fingerprints: Partial<Record<StageName, string>> = {};
let reference: string[];
const seen = new Set<string>();

/** Learns how long stages take. */
function measure(events: readonly Event[]): void {
  for (const event of events) if (event.type === 'stage-finished') seconds[event.stage] = event.seconds;
}

/** Files that each installation writes anew: times of packages, where GRUB finds its partition, times in a log. */
const volatile = /^(.* (?:.*\/rpmdb\.sqlite\S*|boot\/grub2\/i386-pc\/core\.img|var\/log\/practice-\S+)) \w+$/;

/** Every file of the guest, with its digest where that is the same in another installation. */
async function files(): Promise<string[]> {
  return (await listing(image)).map((line) => line.replace(volatile, '$1'));
}

/** What a finished image must be: sound, as its checksum says, and with the files of the reference. */
async function checkImage(): Promise<void> {
  await run('sh', ['-c', `cd '${out}' && sha256sum -c --quiet ${name}.qcow2.sha256`]);
  await run('qemu-img', ['check', '-q', image]);
  const sum = readFileSync(`${image}.sha256`, 'utf8');
  if (seen.has(sum)) return;
  seen.add(sum);
  expect(differences(reference, await files())).toEqual([]);
}

function differences(a: readonly string[], b: readonly string[]): string[] {
  const [one, two] = [new Set(a), new Set(b)];
  return [...a.filter((line) => !two.has(line)), ...b.filter((line) => !one.has(line))].toSorted();
}

/** The stages that the next build has to run, in order; the recipe leaves two of them out. */
function pending(): StageName[] {
  const deepest = leaves.findLast((leaf) => hasLayer(fingerprints[leaf] ?? '') && chainOf(leaf));
  const stageNames = stages.map(({ name: stage }) => stage).filter((stage) => !['verify', 'describe'].includes(stage));
  return stageNames.slice(deepest === undefined ? 0 : stageNames.indexOf(deepest) + 1);
}

/** The image stands alone; customize needs the installation below it. */
const chainOf = (leaf: StageName) => leaf !== 'customize' || hasLayer(fingerprints['install'] ?? '');

/** Takes layers away, so that the next builds have something to do. */
function removeSome(): void {
  const down = pick([1, 1, 1, 2, 2, 3]);
  for (const leaf of leaves.slice(-down)) removeLayer(fingerprints[leaf] ?? '');
  if (random() < 0.5) rmSync(out, { recursive: true, force: true });
  mkdirSync(out, { recursive: true });
}

beforeAll(async () => {
  expect(kills, 'VMKILN_KILLS').toBeGreaterThan(0);
  process.stdout.write(`random kills: VMKILN_KILL_SEED=${seed} VMKILN_KILLS=${kills}\n`);
  const built = await vmkiln([...rehearse, '--from', 'customize', '--ui', 'json'], { timeout: 900 });
  expect(built.status, built.stderr).toBe(0);
  measure(built.events);
  fingerprints = layersOf(built.events[0]?.build ?? '');
  reference = await files();
  expect(reference.length).toBeGreaterThan(1000);
  seen.add(readFileSync(`${image}.sha256`, 'utf8'));
});

afterAll(() => {
  for (const stage of ['customize', 'sparsify'] as const) removeLayer(fingerprints[stage] ?? '');
});

/** A moment in what the next build has to do, more often in its first stage: a build that is cut short early is cheap. */
type Moment = { stage: StageName | 'prepare' | 'store'; delay: number };
function moment(): Moment {
  const todo = pending().filter((stage) => stage !== 'disk');
  const stage = random() < 0.1 ? 'prepare' : random() < 0.65 ? (todo[0] ?? 'upload') : pick(todo);
  if (stage === 'prepare') return { stage, delay: random() * 1500 };
  const isLeaf = leaves.some((leaf) => leaf === stage);
  // The moments in which a layer gets its name are short: aim at them.
  if (isLeaf && random() < 0.15) return { stage: 'store', delay: random() * 300 };
  return { stage, delay: random() * 1000 * (seconds[stage] ?? 60) };
}

async function waitFor(started: ReturnType<typeof startVmkiln>, { stage, delay }: Moment): Promise<void> {
  if (stage === 'store') {
    const next = pending().find((each) => leaves.some((leaf) => leaf === each));
    await started.event((event) => event.type === 'stage-finished' && event.stage === next);
  } else if (stage !== 'prepare') {
    await started.event((event) => event.type === 'stage-started' && event.stage === stage);
  }
  await sleep(delay);
}

/** What the events of a build must say of the layers that were there: used, and nothing before them run again. */
function expectGoesOn(events: readonly Event[], todo: readonly StageName[]): void {
  const ran = events.flatMap((event) => (event.type === 'stage-started' ? [event.stage] : []));
  expect(ran).toEqual(todo.slice(0, ran.length));
}

test('kill -9 at random moments: nothing stays behind, the next build goes on, the image is right', async () => {
  const hit: Record<string, number> = {};
  let completed = 0;
  const finish = async (events: readonly Event[]) => {
    completed += 1;
    measure(events);
    await checkImage();
    removeSome();
  };
  removeSome();
  for (let done = 0; done < kills;) {
    const todo = pending();
    const when = moment();
    const way = pick(ways);
    const started = startVmkiln(rehearse, {}, true);
    // A build that ends before its moment comes is one that was not killed.
    await Promise.race([waitFor(started, when).catch(() => undefined), started.ended]);
    const killed = kill(started, way);
    const { status, events, stderr } = await started.ended;
    // Killed before it said its name, it is found by what all of this run's builds have in theirs.
    const build = events[0]?.build ?? name;
    const where = reached(events);
    expectGoesOn(events, todo);
    if (!killed || events.some(({ type }) => type === 'build-finished')) {
      expect(status === 0 || killed, stderr).toBe(true);
      process.stdout.write(`  not killed: ${todo.join(' ')} ran to the end\n`);
      expect((await vmkiln(['clean'])).status).toBe(0);
      await finish(events);
      continue;
    }
    done += 1;
    hit[where] = (hit[where] ?? 0) + 1;
    process.stdout.write(
      `  kill ${done} (${way}) in ${where}, aimed ${Math.round(when.delay)} ms into ${when.stage}\n`,
    );
    const cleaned = await vmkiln(['clean']);
    expect(cleaned.status, cleaned.stderr).toBe(0);
    expect(
      await allLeftovers(
        build,
        out,
        Object.values(fingerprints).filter((each) => each !== undefined),
      ),
      `after kill ${done} in ${where}`,
    ).toEqual([]);
    // A stage that is cut short again and again never ends: without this, the stages before it would never run.
    if (random() < 0.25) removeSome();
  }
  const todo = pending();
  const last = await vmkiln([...rehearse, '--ui', 'json'], { timeout: 900 });
  expect(last.status, last.stderr).toBe(0);
  expectGoesOn(last.events, todo);
  await finish(last.events);
  expect(
    await allLeftovers(
      last.events[0]?.build ?? name,
      out,
      Object.values(fingerprints).filter((each) => each !== undefined),
    ),
  ).toEqual([]);
  const where = Object.entries(hit).map(([stage, count]) => `${stage} ${count}`);
  process.stdout.write(
    `random kills: ${kills} kills (${where.join(', ')}), ${completed} builds ended, ${seen.size} images\n`,
  );
}, 7_200_000);
