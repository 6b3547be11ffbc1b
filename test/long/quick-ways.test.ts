import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Event } from '../../src/model.ts';
import { listing, run } from '../support/image.ts';
import { recipeOfOneInstallation } from '../support/one-installation.ts';
import { freshFolder, testHome, vmkiln } from '../support/vmkiln.ts';

/** The plain way from the same installed disk: every tool in a launch of its own. */
async function plainWay(argv: readonly string[], installed: string, rendered: string, folder: string): Promise<string> {
  const disk = join(folder, 'plain.qcow2');
  await run('qemu-img', ['create', '-q', '-f', 'qcow2', '-F', 'qcow2', '-b', installed, disk]);
  const words = argv.slice(argv.indexOf('-a') + 2).map((word) => word.replace(/^.*\/work\/[^/]+\/rendered/, rendered));
  const cut = words.indexOf('--operations');
  // Trimming is virt-sparsify's here.
  const seal = join(folder, 'seal.sh');
  const quickly = readFileSync(words.at(-1) ?? '', 'utf8');
  writeFileSync(seal, quickly.replace('fstrim -v "$folder"', 'true'));
  await run('virt-customize', ['-a', disk, ...words.slice(0, cut)], 600);
  await run('virt-sysprep', ['-a', disk, '--no-logfile', ...words.slice(cut, -1), seal], 600);
  await run('virt-sparsify', ['--in-place', disk], 600);
  const image = join(folder, 'plain.img');
  await run('qemu-img', ['convert', '-O', 'qcow2', '-c', disk, image], 600);
  return image;
}

test('the quick way (one launch, trimmed in it) and the plain way leave the same files, and as little', async () => {
  const folder = freshFolder('quick');
  // Cloud-init comes with the installation: customize is left with the built-in edits, and virt-sysprep makes them.
  const args = [
    'rehearse',
    recipeOfOneInstallation(folder, 'edits'),
    '--out',
    folder,
    '--ui',
    'json',
    '--from',
    'sysprep',
  ];
  const quick = await vmkiln(args, { timeout: 900 });
  expect(quick.status, quick.stderr).toBe(0);
  const of = <T extends Event['type']>(type: T) =>
    quick.events.filter((event): event is Extract<Event, { type: T }> => event.type === type);
  const commands = of('command-started').map(({ argv }) => argv);
  const tools = commands.map(([program]) => program).filter((program) => program?.startsWith('virt-'));
  expect(tools.filter((program) => program !== 'virt-install')).toEqual(['virt-sysprep']);
  const sysprep = commands.find(([program]) => program === 'virt-sysprep') ?? [];
  const installed = commands.find((words) => words.includes('-b'))?.find((word) => word.startsWith(testHome)) ?? '';
  const rendered = join(of('build-started')[0]?.folder ?? '', 'rendered');
  const plain = await plainWay(sysprep, installed, rendered, folder);
  const image = join(folder, 'edits-rehearsal.qcow2');
  // Practice tools note there, with the time, what they did not do.
  const files = async (path: string) =>
    (await listing(path)).filter((line) => !line.includes('practice-not-rehearsed'));
  const [quickly, plainly] = [await files(image), await files(plain)];
  expect(quickly.length).toBeGreaterThan(1000);
  expect(quickly).toEqual(plainly);
  const [small, other] = await Promise.all([image, plain].map(allocated));
  expect((small ?? 0) / (other ?? 1)).toBeLessThan(1.02);
});

async function allocated(image: string): Promise<number> {
  return Number(await run('stat', ['-c', '%s', image]));
}
