import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const scripts = resolve(import.meta.dirname, '../../scripts/bench');
const folder = mkdtempSync(join(tmpdir(), 'vmkiln-bench-test-'));

type Events = readonly Record<string, unknown>[];
const events = (await import(`${scripts}/events.mjs`)) as {
  parseEvents(text: string): Events;
  ownTime(events: Events): { buildSeconds: number; ownSeconds: number };
  afterInstallTime(events: Events): number;
  stageTimes(events: Events): Record<string, number>;
};

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString();
const command = (end: number, seconds: number) => ({ at: at(end), type: 'command-finished', seconds });

describe('events of a build', () => {
  test('the time of a build in which no program ran: overlapping programs count once', () => {
    const build = [
      { at: at(10), type: 'build-started' },
      command(31, 1),
      command(40, 29),
      command(45, 3),
      { at: at(50), type: 'build-finished' },
    ];
    // 10 to 11, 40 to 42, 45 to 50.
    expect(events.ownTime(build)).toEqual({ buildSeconds: 40, ownSeconds: 8 });
  });

  test('the work after the installation ends when the image is stored, and publishing is not in it', () => {
    const stage = (second: number, type: string, name: string) => ({ at: at(second), type, stage: name, seconds: 2 });
    const build = [
      stage(0, 'stage-started', 'install'),
      stage(5, 'stage-finished', 'install'),
      stage(6, 'stage-started', 'customize'),
      stage(9, 'stage-finished', 'sparsify'),
      stage(12, 'stage-started', 'upload'),
      stage(20, 'stage-finished', 'upload'),
    ];
    expect(events.afterInstallTime(build)).toBe(6);
    expect(events.afterInstallTime(build.slice(2, 4))).toBe(3);
    expect(events.stageTimes(build)).toEqual({ install: 2, sparsify: 2, upload: 2 });
  });
});

describe('the page', () => {
  test('is written again from raw figures, with the ratios and without the parts that are missing', () => {
    const run = {
      seconds: 200,
      cpuSeconds: 300,
      writtenBytes: 2 ** 30,
      peakDiskBytes: 2 ** 29,
      peakMemoryBytes: 2 ** 27,
    };
    const part = { at: at(0), began: at(0), run, steps: { install: 60 }, imageBytes: 1, contents: { packages: 'a' } };
    const cold = {
      ...part,
      began: at(3600),
      run: { ...run, seconds: 100 },
      contents: { packages: 'b' },
      buildSeconds: 99,
      ownSeconds: 1,
    };
    const machine = { cpu: 'x', cores: 2, memory: 2 ** 33, accelerator: 'tcg', versions: {} };
    const file = join(folder, 'bench.json');
    writeFileSync(
      file,
      JSON.stringify({ version: 1, machine, background: 0, parts: { guide: part, packer: part, cold } }),
    );
    execFileSync(process.execPath, [join(scripts, 'main.mjs'), '--only', 'none', '--json', file], { stdio: 'pipe' });
    const page = readFileSync(join(folder, 'benchmarks.md'), 'utf8');
    expect(page).toMatch(/^\| vmkiln, cold +\| 100\.0 s \| 50 % /m);
    expect(page).toContain('2 runs: guide, packer (2026-01-01T00:00); cold (2026-01-01T01:00)');
    expect(page).toContain('differ in packages');
    expect(page).toMatch(/^\| cold, of Packer’s +\| 0\.50 +\| ≤ 0\.75 \| yes \|$/m);
    expect(page).not.toContain('## Start-up');
    expect(page).toContain('What these figures do not show');
    expect(readFileSync(join(folder, 'benchmarks.svg'), 'utf8').match(/<rect[^>]*height="22"/g)).toHaveLength(6);
  });
});
