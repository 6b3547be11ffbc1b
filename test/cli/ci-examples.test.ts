import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { exec } from '../../src/tools/exec.ts';
import { fakeHost } from '../support/fake-tools.ts';

// The examples of docs/factory.md for CI systems, as far as their shell goes: on a host whose tools do nothing.

/** The block that follows a line of the page. */
function block(title: string): string {
  const page = readFileSync('docs/factory.md', 'utf8');
  const [, text = ''] = page.split(new RegExp(`^${title}.*:\\n\\n`, 'm'));
  return /^(?: {4}.*\n|\n)*/.exec(text)?.[0].replace(/^ {4}/gm, '') ?? '';
}

type Workflow = { jobs: { night: { steps: { run?: string }[]; env: object } } };
type Pipeline = { night: { script: string[]; artifacts: { paths: string[]; reports: { junit: string } } } };

const github = parse(block('GitHub Actions')) as Workflow;
const gitlab = parse(block('GitLab CI')) as Pipeline;
const jenkins = /sh '(.*)'/.exec(block('Jenkins'))?.[1] ?? '';

// GitHub runs its steps with `bash -e`, the others `sh -e` or bash.
const shells: [string, string, string][] = [
  ['GitHub Actions', 'bash', github.jobs.night.steps.flatMap(({ run: lines }) => lines ?? []).join('\n')],
  ['GitLab CI', 'bash', gitlab.night.script.join('\n')],
  ['Jenkins', 'sh', jenkins],
];

async function run(shell: string, script: string, env: Record<string, string>) {
  const host = fakeHost();
  host.recipe('web');
  writeFileSync(join(host.folder, 'factory.yaml'), 'name: nightly\nrecipes: [web.yaml]\nlimits: { room: 1M }\n');
  const bin = join(host.folder, 'vmkiln-bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'vmkiln'), `#!/bin/sh\nexec ${process.execPath} ${resolve('dist/cli.js')} "$@"\n`, {
    mode: 0o755,
  });
  const summary = join(host.folder, 'summary.md');
  const { exitCode } = await exec({
    ...{ program: shell, args: ['-e', '-c', script], timeout: 60, signal: new AbortController().signal },
    env: { ...process.env, ...host.env, ...env, PATH: `${bin}:${host.env['PATH']}`, GITHUB_STEP_SUMMARY: summary },
    ...{ cwd: host.folder, accept: [1] },
  });
  return { exitCode, read: (file: string) => readFileSync(join(host.folder, file), 'utf8') };
}

test.each(shells)('%s', async (name, shell, script) => {
  expect(script).toContain('vmkiln nightly factory.yaml');
  const good = await run(shell, script, {});
  expect(good.exitCode).toBe(0);
  expect(good.read('night.xml')).toContain('failures="0"');
  const bad = await run(shell, script, { FAKE_FAIL: '/customize.qcow2' });
  expect(bad.exitCode).toBe(1);
  expect(bad.read('night.xml')).toContain('failures="1"');
  if (name === 'GitHub Actions') expect(bad.read('summary.md')).toMatch(/^```\nnightly: 1 failed/);
});

test('what the jobs keep is what they wrote', () => {
  expect(gitlab.night.artifacts).toMatchObject({ paths: ['nights'], reports: { junit: 'night.xml' } });
  expect(block('Jenkins')).toContain("junit 'night.xml'");
});
