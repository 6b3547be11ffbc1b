import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import type { Event } from '../../src/model.ts';
import { exec } from '../../src/tools/exec.ts';
import { fresh, imagesCalled, openstack, sessionOf, signal } from '../support/cloud/tools.ts';
import { freshFolder, vmkiln } from '../support/vmkiln.ts';

type Shown = { id: string; status: string; size: number; properties: Record<string, unknown> };
type Published = Extract<Event, { type: 'published' }>;

/** As long as an installation takes without KVM, if no test before has left its checkpoints. */
const long = 1_800_000;

test(
  'a rehearsal with a glance target: one image, complete and described, and the same one the next time',
  async () => {
    const folder = freshFolder('glance');
    const name = fresh('e2e');
    const recipe = readFileSync('recipes/rhel7.yaml', 'utf8');
    const [above] = recipe.split('\nupload:');
    const path = join(folder, 'rhel7.yaml');
    const targets = `verify: false
describe: false
upload:
  - directory: { path: ${folder}/images }
  - glance: { cloud: test, name: ${name}, minDisk: 8, tags: [golden], properties: { a: b } }
`;
    writeFileSync(path, `${above}\n${targets}`);
    const env = { RHSM_USERNAME: 'engineer', RHSM_PASSWORD: 'none', OS_CLIENT_CONFIG_FILE: inject('cloud').clouds };
    const rehearse = async (...more: string[]) => {
      const run = await vmkiln(['rehearse', path, '--ui', 'json', ...more], { env, timeout: 1700 });
      expect(run.status, run.stderr).toBe(0);
      return run.events.filter((event): event is Published => event.type === 'published');
    };
    // Practice media make no image for a cloud unless that is said.
    expect((await rehearse()).map(({ target }) => target)).toEqual(['directory']);
    const published = await rehearse('--allow-rehearsal');
    expect(published.map(({ target }) => target).toSorted()).toEqual(['directory', 'glance']);

    const cloudName = `${name}-rehearsal`;
    const file = join(folder, 'images/rhel7-rehearsal.qcow2');
    const data = readFileSync(file);
    const sha256 = createHash('sha256').update(data).digest('hex');
    const shown = await openstack<Shown>('test', 'image', 'show', cloudName);
    expect(shown).toMatchObject({ status: 'active', size: data.length, min_disk: 8, tags: ['golden'] });
    expect(shown.properties).toMatchObject({
      ...{ os_type: 'linux', os_distro: 'rhel', os_version: '7.9', os_name: 'rhel7.9', os_admin_user: 'cloud-user' },
      ...{ architecture: 'x86_64', hw_disk_bus: 'virtio', hw_vif_model: 'virtio', hw_firmware_type: 'bios', a: 'b' },
      ...{ vmkiln_sha256: sha256, os_hidden: false },
    });
    expect(shown.properties).toHaveProperty('vmkiln_rehearsal');
    expect(shown.properties).not.toHaveProperty('vmkiln_uploading');
    const copy = join(folder, 'copy.qcow2');
    await exec({
      program: '/usr/bin/openstack',
      args: ['--os-cloud', 'test', 'image', 'save', '--file', copy, shown.id],
      timeout: 120,
      signal,
    });
    expect(readFileSync(copy).equals(data)).toBe(true);

    const again = await rehearse('--allow-rehearsal');
    expect(again).toMatchObject([{ unchanged: true }, { unchanged: true }]);
    const all = await imagesCalled(await sessionOf('test'), cloudName);
    expect(all).toMatchObject([{ id: shown.id, status: 'active', os_hidden: false }]);
  },
  long,
);
