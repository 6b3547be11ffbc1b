import { mkdtempSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Layer } from '../../src/store/checkpoints.ts';
import { ensurePaths, statePaths } from '../../src/store/paths.ts';
import { vmkiln } from '../support/vmkiln.ts';

test('clean --keep-size removes the least recently used checkpoint, and says what it was', async () => {
  const home = mkdtempSync(join(tmpdir(), 'vmkiln-clean-'));
  const paths = statePaths({ VMKILN_HOME: home }, 0);
  await ensurePaths(paths);
  for (const [index, stage] of (['install', 'sparsify'] as const).entries()) {
    const fingerprint = `${index}`.repeat(64);
    const path = join(paths.checkpoints, `${stage}.qcow2`);
    const facts = { sha256: '', size: 0, madeAt: '', seconds: 1 };
    const layer: Layer = { fingerprint, stage, path, build: 'rhel7-20260101-000000-ab12', ...facts };
    writeFileSync(path, Buffer.alloc(1024 * 1024, 1));
    writeFileSync(join(paths.checkpoints, `${fingerprint}.json`), JSON.stringify(layer));
    const used = new Date(Date.UTC(2026, 0, 2 + index, 3, 4));
    utimesSync(join(paths.checkpoints, `${fingerprint}.json`), used, used);
  }
  const { status, stdout } = await vmkiln(['clean', '--keep-size', '1.5M'], { env: { VMKILN_HOME: home } });
  expect(status).toBe(0);
  expect(stdout).toBe(
    'removed the install checkpoint of rhel7-20260101-000000-ab12, last used 2026-01-02 03:04 UTC\n1 MiB freed\n',
  );
  expect(readdirSync(paths.checkpoints).toSorted()).toEqual([`${'1'.repeat(64)}.json`, 'sparsify.qcow2']);
});
