import { beforeAll, expect, test } from 'vitest';
import { getImage } from '../../src/openstack/image-api.ts';
import type { CloudSession } from '../../src/openstack/keystone.ts';
import { checkProperties, readDefinitions } from '../../src/openstack/metadefs.ts';
import { glance } from '../../src/targets/glance/glance.ts';
import { context, makeImage, openstack, place, sessionOf, signal, useClouds } from '../support/cloud/tools.ts';

type Shown = Record<string, unknown> & { id: string; properties: Record<string, unknown> };

let one: CloudSession;
beforeAll(async () => {
  useClouds();
  one = await sessionOf('test');
});

const idOf = (location: string) => location.split('/').at(-1) ?? '';

test('an image is uploaded with all that is said of it, and the openstack client agrees', async () => {
  const image = await makeImage({ properties: { os_type: 'linux', architecture: 'x86_64' }, description: 'A test' });
  const kernel = '11111111-2222-4333-8444-555555555555';
  const spec = place('test', {
    minDisk: 2,
    minRam: 512,
    visibility: 'community',
    protected: true,
    tags: ['nightly', 'a/b'],
    kernel,
    osName: 'rhel7.9',
    stores: ['slow'],
    properties: { hw_disk_bus: 'virtio', 'a/b~c': 'x' },
  });
  const there = context();
  const published = await glance.publish(image, spec, there);
  expect(published).toMatchObject({ target: 'glance', sha256: image.sha256, size: image.size, unchanged: false });
  const shown = await openstack<Shown>('test', 'image', 'show', idOf(published.location));
  expect(shown).toMatchObject({
    name: image.name,
    status: 'active',
    disk_format: 'qcow2',
    size: image.size,
    min_disk: 2,
    min_ram: 512,
    visibility: 'community',
    protected: true,
    properties: {
      os_hidden: false,
      stores: 'slow',
      os_name: 'rhel7.9',
      os_distro: 'rhel',
      os_version: '7.9',
      os_type: 'linux',
      architecture: 'x86_64',
      description: 'A test',
      kernel_id: kernel,
      hw_disk_bus: 'virtio',
      'a/b~c': 'x',
      vmkiln_sha256: image.sha256,
    },
  });
  expect([...(shown['tags'] as string[])].toSorted()).toEqual(['a/b', 'nightly']);
  expect(shown.properties).not.toHaveProperty('vmkiln_uploading');
  expect(there.said.some((line) => /uploading to test: .* of .*/.test(line))).toBe(true);

  expect(await glance.changes(image, spec, context())).toEqual([expect.stringMatching(/^= /)]);
  expect(await glance.publish(image, spec, context())).toMatchObject({ unchanged: true, location: published.location });
  const changed = { ...spec, minRam: 1024, protected: false };
  expect(await glance.changes(image, changed, context())).toEqual([
    expect.stringMatching(/^~ change/),
    expect.stringContaining('min_ram: 512 → 1024'),
    expect.stringContaining('protected: true → false'),
  ]);
  await glance.publish(image, changed, context());
  const after = await getImage(one, idOf(published.location), { signal });
  expect(after).toMatchObject({ min_ram: 1024, protected: false, min_disk: 2 });
});

test('a property that two hypervisors define may have the values of either', async () => {
  const definitions = await readDefinitions(one, { signal });
  const wrong = (value: string) => checkProperties({ hw_vif_model: value }, definitions).wrong;
  // KVM, VMware, both.
  expect(['virtio', 'VirtualVmxnet', 'e1000'].flatMap(wrong)).toEqual([]);
  expect(wrong('virtoi')).toHaveLength(1);
});
