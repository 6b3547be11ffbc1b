import { expect, test } from 'vitest';
import type { Image } from '../../src/openstack/image-api.ts';
import { type Asked, decide, type Found } from '../../src/targets/glance/decide.ts';
import { describeSteps } from '../../src/targets/glance/describe.ts';
import { serialProperty } from '../../src/targets/glance/fence.ts';
import type { Wanted } from '../../src/targets/glance/record.ts';
import { imageRecord as image } from '../support/cloud/image-record.ts';

const serial = '20260501-000000-0000';
const fields = { name: 'x', disk_format: 'qcow2', container_format: 'bare', hidden: false };
/** What an image of this publication has. */
const stamp = { [serialProperty(serial)]: 'true' };
const wanted: Wanted = { ...fields, properties: {}, serial };

const steps = (
  images: Image[],
  same: string[],
  replace: false | { keep?: number } = {},
  uploader = 'gone' as const,
) => {
  return stepsFor({ images, same: new Set(same), uploader: () => uploader }, { replace });
};

function decided(found: Partial<Found>, asked: Partial<Asked>) {
  const nothing = { images: [], same: new Set<string>(), holder: undefined, uploader: () => 'gone' as const, clock: 0 };
  const fresh = { own: undefined, touched: false, different: new Set<string>(), discarded: new Set<string>() };
  const file = { format: 'qcow2', signed: false };
  return decide(
    { wanted, replace: false, method: 'put', signed: false, hasLocation: false, ...asked },
    { ...nothing, ...fresh, file, ...found },
  );
}

/** The steps for what was found, as `VERB ID`; when nothing can be done, the reason. */
function stepsFor(found: Partial<Found>, asked: Partial<Asked> = {}) {
  const all = decided(found, asked).steps;
  const refusal = all.find((step) => step.do === 'refuse');
  if (refusal && all.length === 1) return refusal.message;
  return all.map((step) => `${step.do} ${'image' in step ? step.image.id : ''}`.trim());
}

test('the new image comes before the old ones are hidden, and only what vmkiln made is deleted', () => {
  const made = { vmkiln_sha256: 'old' };
  expect(steps([image('1', made), image('2', made)], [])).toEqual(['create', 'hide 2', 'hide 1']);
  expect(steps([image('1', made), image('2', made), image('3', made)], [], { keep: 1 })).toEqual([
    'create',
    'hide 3',
    'hide 2',
    'delete 2',
    'hide 1',
    'delete 1',
  ]);
  expect(steps([image('1'), image('2', { ...made, protected: true })], [], { keep: 0 })).toEqual([
    'create',
    'hide 2',
    'keep 2',
    'hide 1',
    'keep 1',
  ]);
  expect(steps([image('1', { ...made, os_hidden: true })], [], false)).toEqual(['create']);
  expect(steps([image('1', made)], [], false)).toContain('another image called x');
});

test('the same image stays, an unfinished one is finished or goes, one of another host is left alone', () => {
  const half = { vmkiln_uploading: '{}' };
  expect(steps([image('1', stamp)], ['1'])).toEqual([]);
  expect(steps([image('1', half)], ['1'])).toEqual(['resume 1']);
  expect(steps([image('1', { ...half, status: 'saving' })], ['1'])).toEqual(['discard 1', 'create']);
  expect(steps([image('1', stamp), image('2', half)], ['1', '2'])).toEqual(['discard 2']);
  expect(steps([image('1', { ...half, vmkiln_sha256: 'old' })], [])).toEqual(['discard 1', 'create']);
  expect(steps([image('1', half)], ['1'], {}, 'elsewhere' as 'gone')).toContain('the same image is being uploaded');
  // It has no digest until it is complete, so it may be the same.
  expect(steps([image('1', half)], [], {}, 'elsewhere' as 'gone')).toContain('an image of that name is being uploaded');
  expect(steps([image('1', { ...half, vmkiln_sha256: 'x' })], [], {}, 'elsewhere' as 'gone')).toEqual(['create']);
});

test('a hidden image does not appear beside another, a deactivated one counts, a snapshot is nobody’s image', () => {
  const [old, now] = [image('1', { os_hidden: true }), image('2')];
  expect(steps([old, now], ['1'], false)).toContain('another image called x: 2');
  expect(steps([old, now], ['1'])).toEqual(['update 1', 'hide 2']);
  expect(steps([image('1', { status: 'deactivated' })], [], false)).toContain('another image called x: 1');
  expect(steps([image('1', { status: 'deactivated' })], [])).toEqual(['create', 'hide 1']);
  expect(steps([image('1', { status: 'deactivated' })], ['1'])).toContain('deactivated: 1');
  const snapshot = { vmkiln_sha256: 'x', image_type: 'snapshot', base_image_ref: '1' };
  expect(steps([image('2', snapshot)], [], { keep: 0 })).toEqual(['create', 'hide 2', 'keep 2']);
});

test('the file is converted and signed before anything is changed, and no second time', () => {
  const raw = { format: 'raw', signed: false };
  const half = image('1', { vmkiln_uploading: '{}', status: 'saving' });
  const found = { images: [half], same: new Set(['1']), file: raw };
  expect(stepsFor(found, { signed: true })).toEqual(['convert', 'sign', 'discard 1', 'create']);
  const done = { format: 'qcow2', signed: true };
  expect(stepsFor({ ...found, file: done }, { signed: true })).toEqual(['discard 1', 'create']);
  // What the cloud fetches by itself is as it is there.
  expect(stepsFor({ file: raw }, { hasLocation: true })).toEqual(['create']);
  expect(stepsFor({ images: [image('1', stamp)], same: new Set(['1']), file: raw })).toEqual([]);
});

test('an image that is there is signed last, if it has the bytes of the file and no signature', () => {
  const file = { format: 'raw', signed: false };
  const found = { images: [image('1'), image('2', { vmkiln_sha256: 'old' })], same: new Set(['1']), file };
  const asked = { signed: true, replace: {}, wanted: { ...wanted, min_disk: 1 } };
  expect(stepsFor(found, asked)).toEqual(['convert', 'compare 1', 'sign', 'update 1', 'hide 2', 'attach 1']);
  const signed = { ...found, images: [image('1', { img_signature: 'x' })] };
  expect(stepsFor(signed, asked)).toEqual(['update 1']);
});

test('an unfinished image is verified before it is finished, and one with other data is discarded, once', () => {
  const half = image('1', { vmkiln_uploading: '{}', os_hidden: true });
  const found = { images: [half, image('2', { vmkiln_sha256: 'old' })], same: new Set(['1']) };
  const replace = {};
  expect(stepsFor(found, { replace })).toEqual(['resume 1', 'hide 2']);
  expect(stepsFor({ ...found, own: half }, { replace })).toEqual(['publish 1', 'hide 2']);
  const { vmkiln_uploading: _, ...published } = half;
  const own = { ...published, ...stamp, os_hidden: false } as Image;
  const after = { ...found, images: [own, ...found.images.slice(1)], touched: true };
  expect(stepsFor({ ...after, own }, { replace })).toEqual(['hide 2']);
  const different = new Set(['1']);
  expect(stepsFor({ ...found, different }, { replace })).toEqual(['discard 1', 'create', 'hide 2']);
  // The cloud did not let it go.
  expect(stepsFor({ ...found, different, discarded: different }, { replace })).toEqual(['create', 'hide 2']);
});

test('what others do meanwhile: an image beside this one ends it, an upload does not', () => {
  const own = image('2', { vmkiln_uploading: '{}', os_hidden: true });
  const other = image('1', { vmkiln_sha256: 'x' });
  const beside = { images: [other, own], own };
  expect(stepsFor(beside)).toEqual(['discard 2', 'refuse']);
  expect(stepsFor(beside, { replace: {} })).toEqual(['publish 2', 'hide 1']);
  // The same content counts as another image too: this one is the one that was asked for.
  expect(stepsFor({ ...beside, same: new Set(['1']) }, { replace: {} })).toEqual(['publish 2', 'hide 1']);
  expect(stepsFor(beside, { wanted: { ...wanted, hidden: true } })).toEqual(['publish 2']);
  const uploader = ({ id }: Image) => (id === '1' ? ('elsewhere' as const) : ('gone' as const));
  const busy = image('1', { vmkiln_uploading: '{}' });
  expect(stepsFor({ images: [busy, own], own, uploader })).toEqual(['publish 2']);
  expect(stepsFor({ images: [busy], uploader })).toContain('is being uploaded to 1');
  // The image of this publication is one that was there, and it has made that the newest already.
  const taken = { images: [busy, image('3', stamp), image('4')], same: new Set(['1', '3']), touched: true, uploader };
  expect(stepsFor(taken, { replace: {} })).toEqual(['hide 4']);
});

test('an older image is refused, or hides itself when it was shown already, and puts nobody away', () => {
  const of = (at: string) => ({ vmkiln_sha256: 'x', [serialProperty(at)]: 'true' });
  const [old, newer] = [image('1', of('20260401-000000-0000')), image('2', of('20260601-000000-0000'))];
  const replace = { keep: 0 };
  expect(stepsFor({ images: [old, newer] }, { replace })).toContain('a newer image called x is there: 2');
  const [, refusal] = decided({ images: [newer], own: image('3', { vmkiln_uploading: '{}' }) }, { replace }).steps;
  expect(refusal).toMatchObject({ do: 'refuse', hint: expect.stringContaining('image unset') });
  // Hidden by hand, it is the newest all the same.
  expect(stepsFor({ images: [image('2', { ...newer, os_hidden: true })] })).toContain('a newer image');
  const own = image('3', stamp);
  expect(stepsFor({ images: [old, newer, own], own, touched: true }, { replace })).toEqual(['yield 3']);
  expect(stepsFor({ images: [newer, image('3', { ...stamp, os_hidden: true })], own, touched: true })).toEqual([]);
  expect(stepsFor({ images: [newer], own, touched: true })).toEqual([]);
  // The same bytes were published by a newer run: what that said of them stays.
  const asked = { replace, wanted: { ...wanted, min_disk: 9 } };
  expect(stepsFor({ images: [old, newer], same: new Set(['2']) }, asked)).toEqual(['hide 1', 'delete 1']);
  // A snapshot inherits the serial, and is nobody's publication.
  expect(stepsFor({ images: [image('2', { ...newer, image_type: 'snapshot' })] }, { replace: {} })).toContain('create');
});

test('what is not seen itself hides no other', () => {
  const hidden = { ...wanted, hidden: true };
  const [old, mine] = [image('1'), image('2', { ...stamp, os_hidden: true })];
  expect(stepsFor({ images: [old] }, { replace: {}, wanted: hidden })).toEqual(['create']);
  expect(stepsFor({ images: [old, mine], same: new Set(['2']) }, { replace: {}, wanted: hidden })).toEqual([]);
});

test('an id that another image has is refused before anything is made', () => {
  const holder = image('1', { name: 'y', ...stamp });
  expect(stepsFor({ holder })).toContain('the id 1 is that of y already');
  expect(stepsFor({ holder, images: [holder], same: new Set(['1']) })).toEqual([]);
});

test('the steps are told as a diff, with what is done with the file in the line of its image', () => {
  const tell = (found: Partial<Found>, asked: Partial<Asked>) => describeSteps(wanted, decided(found, asked).steps);
  const old = image('1', { vmkiln_sha256: 'old', protected: true });
  const file = { format: 'raw', signed: false };
  expect(tell({ images: [old], file }, { signed: true, replace: { keep: 0 } })).toEqual([
    '+ image x, uploaded directly, converted here from raw, signed',
    '+   disk_format = qcow2',
    '+   container_format = bare',
    '~ hide x 1 (of 2026-01-01)',
    '= keep x 1 (of 2026-01-01), hidden: it is protected',
  ]);
  expect(tell({}, { method: 'web-download', hasLocation: true })[0]).toBe('+ image x, by web-download');
  expect(tell({ images: [old], same: new Set(['1']), file }, { signed: true })).toEqual([
    '= image x is there with the same content and properties',
    '~   img_signature of 1: nothing → a signature',
  ]);
});
