import type { KeyObject } from 'node:crypto';
import { documentsOf } from '../../src/describe/documents.ts';
import { type Documents, suffixes } from '../../src/describe/names.ts';
import { sha256Of } from '../../src/describe/statements.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import type { ImageDocument } from '../../src/targets/target.ts';
import type { Verdict } from '../../src/verify/verdict.ts';
import { inventory } from './inventory.ts';
import { planInput } from './plan-input.ts';
import { rhelRecipe } from './rhel.ts';

/** What a build says of an image: `passed` is what its clones showed, undefined when none was booted; `results` are those of the checks, by default of a login; `base` the digest of what it was built on. */
export type About = {
  sha256: string;
  sha512?: string | undefined;
  passed?: boolean | undefined;
  results?: Verdict['results'];
  key?: KeyObject;
  base?: string;
};

export async function documentsAbout({ sha256, sha512, passed, results, key, base }: About): Promise<Documents> {
  const plan = makePlan(planInput(await rhelRecipe()));
  const media =
    base === undefined ? {} : { image: { source: 'https://example.com/base.qcow2', path: '/b', sha256: base } };
  const verdict: Verdict | undefined =
    passed === undefined ? undefined : { version: 1, passed, results: results ?? [loginOf(passed)] };
  const digest = { sha256, ...(sha512 !== undefined && { sha512 }) };
  const made = { image: { name: 'x', digest }, build: 'x-1', finishedOn: '2026-11-28T03:00:00Z' };
  const about = inventory();
  return documentsOf({ ...about, image: { ...about.image, sha256 } }, { ...plan, media } as typeof plan, made, {
    verdict,
    key,
  });
}

function loginOf(passed: boolean): Verdict['results'][number] {
  return { check: 'login', outcome: passed ? 'passed' : 'failed', message: '' };
}

/** The same as targets take it. */
export async function imageDocuments(about: About): Promise<ImageDocument[]> {
  const documents = await documentsAbout(about);
  return (['inventory', 'sbom', 'statements'] as const).map((kind) => {
    return { kind, suffix: suffixes[kind], text: documents[kind], sha256: sha256Of(documents[kind]) };
  });
}
