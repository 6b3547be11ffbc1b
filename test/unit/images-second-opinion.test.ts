import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { detect } from '../../src/images/detect.ts';
import { sparseSource } from '../support/captured-images.ts';
import { mutants, type Mutant } from '../support/image-mutants.ts';

/** VMKILN_FUZZ_SECONDS looks at new mutants for so long, VMKILN_FUZZ_SEED repeats a run. */
const seconds = Number(process.env['VMKILN_FUZZ_SECONDS'] ?? 0);
const firstSeed = Number(process.env['VMKILN_FUZZ_SEED'] ?? (seconds > 0 ? Date.now() % 2 ** 31 : 1));
const batch = 160;

const works = (program: string, ...args: string[]) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;
const cutOff = works('unshare', '-rn', 'true') && works('qemu-img', '--version');
const glance = works('/usr/bin/python3', '-c', 'import glance.common.format_inspector');

type Written = Mutant & { path: string };

function write(mutant: Mutant, path: string): Written {
  const file = openSync(path, 'w');
  for (const [offset, bytes] of mutant.runs) writeSync(file, bytes, 0, bytes.length, offset);
  ftruncateSync(file, mutant.size);
  closeSync(file);
  return { ...mutant, path };
}

/** Whether QEMU would open anything besides the image, from what `qemu-img info` says of it. */
function reachesOutside(path: string): boolean {
  const text = readFileSync(`${path}.out`, 'utf8');
  if (text !== '') {
    const info = JSON.parse(text) as Record<string, unknown>;
    const names: unknown[] = [];
    JSON.stringify(info, (key, value) => {
      if (/filename$|^data-file$/.test(key)) names.push(value);
      return value;
    });
    return names.some((name) => name !== path);
  }
  // Without an address to the outside every other message is about the image itself.
  const message = readFileSync(`${path}.err`, 'utf8').replaceAll(`Could not open '${path}'`, '');
  return /could not open|canary|unknown protocol|connect|fd '|data-file|file name/i.test(message);
}

/** `qemu-img info` on each, in an empty folder without a network. */
function ask(folder: string, written: readonly Written[]): void {
  const empty = join(folder, 'empty');
  mkdirSync(empty);
  const lines = written.map(({ driver, path }) => `${driver} ${path}`).join('\n');
  const script =
    'while read -r driver path; do qemu-img info --output=json -f "$driver" "$path" >"$path.out" 2>"$path.err" || :; done';
  execFileSync('unshare', ['-rn', 'sh', '-c', script], { cwd: empty, input: `${lines}\n` });
}

function opinions(written: readonly Written[]): (string | null)[] {
  const input = written.map(({ driver, path }) => `${driver} ${path}\n`).join('');
  const options = { input, encoding: 'utf8', stdio: 'pipe', maxBuffer: 2 ** 26 } as const;
  return JSON.parse(execFileSync('/usr/bin/python3', ['test/support/glance-opinion.py'], options));
}

function look(seed: number) {
  const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
  const written = mutants(batch, seed).map((mutant, index) => write(mutant, join(folder, `${index}.${mutant.driver}`)));
  if (cutOff) ask(folder, written);
  const unsafe = glance ? opinions(written) : [];
  const seen = written.map((mutant, index) => {
    const { references, findings } = detect(sparseSource(mutant.size, mutant.runs));
    const refused = references.length > 0 || findings.some(({ level }) => level === 'error');
    const warned = findings.some(({ message }) => /Image service/.test(message));
    const outside = cutOff && reachesOutside(mutant.path);
    return { seed, index, refused, warned, outside, unsafe: unsafe[index] ?? null };
  });
  rmSync(folder, { recursive: true });
  return seen;
}

test.skipIf(!cutOff && !glance)(
  'whatever QEMU would open beyond an image, and whatever the Image service calls unsafe, is refused',
  { timeout: (seconds + 120) * 1000 },
  () => {
    const end = Date.now() + seconds * 1000;
    for (let seed = firstSeed; ; seed += 1) {
      const seen = look(seed);
      const missed = seen.filter(
        ({ refused, warned, outside, unsafe }) => !refused && (outside || (unsafe !== null && !warned)),
      );
      expect(missed).toEqual([]);
      // Neither side says the same of all.
      if (cutOff) expect(new Set(seen.map(({ outside }) => outside)).size).toBe(2);
      if (glance) expect(new Set(seen.map(({ unsafe }) => unsafe === null)).size).toBe(2);
      expect(new Set(seen.map(({ refused }) => refused)).size).toBe(2);
      if (Date.now() >= end) break;
    }
  },
);
