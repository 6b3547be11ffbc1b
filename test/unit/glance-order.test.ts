import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Image } from '../../src/openstack/image-api.ts';
import { carryOut } from '../../src/targets/glance/carry-out.ts';
import { serialOf } from '../../src/targets/glance/fence.ts';
import { glanceSchema } from '../../src/targets/glance/recipe.ts';
import { isPublished } from '../../src/targets/glance/record.ts';
import { survey } from '../../src/targets/glance/survey.ts';
import { higher, noSerial, serialAt } from '../../src/targets/serial.ts';
import type { ImageToPublish, TargetContext } from '../../src/targets/target.ts';
import { imageRecord } from '../support/cloud/image-record.ts';
import { takeTurns, type TurnTaking } from '../support/cloud/turns.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-order-'));
const files = ['one', 'two', 'three'].map((text) => {
  const path = join(folder, text);
  writeFileSync(path, text);
  return { path, size: text.length, sha256: createHash('sha256').update(text).digest('hex') };
});
const sha512 = (text: string) => createHash('sha512').update(text).digest('hex');
const signal = new AbortController().signal;

/** A publication of one of three contents. `age` orders them; one that `dies` gets no answer to its nth request. */
const publication = fc.record({
  content: fc.nat(2),
  age: fc.nat(20),
  rollback: fc.boolean(),
  keep: fc.constantFrom(undefined, 0, 1),
  dies: fc.oneof({ weight: 3, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat(14) }),
});
type Publication = typeof publication extends fc.Arbitrary<infer T> ? T : never;

/** What another tool, or an older vmkiln, has left: the first is shown. */
const legacy = fc.array(fc.record({ content: fc.nat(2), isOurs: fc.boolean() }), { maxLength: 2 });

async function publish({ content, age, rollback, keep }: Publication, id: number, service: TurnTaking) {
  const file = files[content];
  if (file === undefined) throw new Error('no such content');
  const serial = serialAt(Date.UTC(2026, 0, 1, 0, 0, age));
  const about = { name: 'x', format: 'raw' as const, build: `b${id}`, rehearsal: false, rollback };
  const image: ImageToPublish = { ...about, ...file, serial };
  const spec = { ...glanceSchema.parse({ replace: keep === undefined ? true : { keep } }), cloud: undefined };
  const nothing = () => undefined;
  const world = { env: {}, cwd: '/', signal, progress: nothing, note: nothing };
  const context: TargetContext = { ...world, work: (name) => name, exec: () => Promise.reject(new Error('exec')) };
  const at = new Date().toISOString();
  const mark = JSON.stringify({ host: 'x', namespace: 'x', at, pid: id, startTime: '1', bootId: 'elsewhere' });
  const session = service.session(id);
  const { known } = await survey(session, image, spec, context);
  return carryOut({ session, spec, context, mark, known });
}

const published = ({ images }: TurnTaking) => [...images.values()].filter(isPublished);
const seen = (service: TurnTaking) => published(service).filter((image) => !image.os_hidden);
const highest = (images: readonly Image[]) => images.map(serialOf).reduce(higher, noSerial);

test('whatever the order of the requests of several publishers: the highest is seen at every moment', async () => {
  const some = fc.uniqueArray(publication, { selector: ({ age }) => age, minLength: 2, maxLength: 4 });
  const order = fc.array(fc.nat(11), { minLength: 1, maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(some, legacy, order, async (publications, others, turns) => {
      const service = takeTurns();
      for (const [index, { content, isOurs }] of others.entries()) {
        const { sha256 = '', size = 0 } = files[content] ?? {};
        const hash = sha512(['one', 'two', 'three'][content] ?? '');
        const bytes = { size, disk_format: 'raw', os_hash_algo: 'sha512', os_hash_value: hash };
        const record = { ...bytes, owner: 'p', os_hidden: index > 0, ...(isOurs && { vmkiln_sha256: sha256 }) };
        service.images.set(`${index + 1}`, imageRecord(`${index + 1}`, record));
      }
      const asked = publications.map(() => 0);
      const ends: (Image | Error | undefined)[] = [];
      for (const [id, each] of publications.entries()) {
        await service.run(async () => {
          ends[id] = await publish(each, id, service).catch((error: Error) => error);
        });
      }
      let [best, wasSeen] = [noSerial, seen(service).length > 0];
      for (let turn = 0; ; turn++) {
        const able = service.waiting().filter((id) => (asked[id] ?? 0) <= (publications[id]?.dies ?? 0));
        const id = able[(turns[turn % turns.length] ?? 0) % able.length];
        if (id === undefined) break;
        asked[id] = (asked[id] ?? 0) + 1;
        await service.answer(id);
        const visible = seen(service);
        wasSeen ||= visible.length > 0;
        expect(visible.length > 0, 'somebody sees none').toBe(wasSeen);
        expect(highest(visible), 'the highest is put away').toBe(highest(published(service)));
        expect(highest(visible) >= best, 'the highest is gone').toBe(true);
        best = highest(visible);
      }
      for (const end of ends) {
        if (end instanceof Error) expect(end.message).toMatch(/^a newer image called x|being uploaded/);
      }
      if (publications.every(({ dies }) => dies === Infinity)) {
        expect(seen(service)).toHaveLength(1);
        expect([...service.images.values()].filter((image) => !isPublished(image))).toEqual([]);
      }
    }),
    { numRuns: Number(process.env['VMKILN_ORDERS'] ?? 150) },
  );
});

test('one publication that several hosts repeat is published once, whoever comes back when', async () => {
  const repeated = fc.record({
    content: fc.nat(2),
    age: fc.constant(1),
    rollback: fc.constant(false),
    keep: fc.constantFrom(undefined, 0),
    dies: fc.oneof({ weight: 2, arbitrary: fc.constant(Infinity) }, { weight: 1, arbitrary: fc.nat(14) }),
  });
  const order = fc.array(fc.nat(11), { minLength: 1, maxLength: 150 });
  await fc.assert(
    fc.asyncProperty(fc.array(repeated, { minLength: 2, maxLength: 4 }), order, async (publications, turns) => {
      const service = takeTurns();
      const begin = async (id: number) => {
        const each = publications[id];
        if (each) ends[id] = await publish(each, id, service).catch((error: Error) => error);
      };
      const asked = publications.map(() => 0);
      const ends: (Image | Error | undefined)[] = [];
      const shown = new Set<string>();
      for (const id of publications.keys()) await service.run(() => begin(id));
      for (let turn = 0; ; turn++) {
        const able = service.waiting().filter((id) => (asked[id] ?? 0) <= (publications[id]?.dies ?? 0));
        const id = able[(turns[turn % turns.length] ?? 0) % able.length];
        if (id === undefined) break;
        asked[id] = (asked[id] ?? 0) + 1;
        await service.answer(id);
        for (const image of published(service)) shown.add(image.id);
        expect(shown.size <= 1, 'it is published twice').toBe(true);
      }
      for (const end of ends) {
        if (end instanceof Error) expect(end.message).toMatch(/taken away|somebody else's|being uploaded/);
      }
      // Whoever repeats it once more finds what is there, or finishes it.
      publications.push({ content: 1, age: 1, rollback: false, keep: undefined, dies: Infinity });
      const last = publications.length - 1;
      await service.run(() => begin(last));
      while (service.waiting().includes(last)) await service.answer(last);
      expect(ends[last]).not.toBeInstanceOf(Error);
      expect(seen(service)).toHaveLength(1);
      expect([...service.images.values()].filter((image) => !isPublished(image))).toEqual([]);
      expect(shown.size === 0 || shown.has(seen(service)[0]?.id ?? '')).toBe(true);
    }),
    { numRuns: Number(process.env['VMKILN_ORDERS'] ?? 150) },
  );
});
