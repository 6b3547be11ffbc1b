import type { KeyObject } from 'node:crypto';
import { judgeStatements } from '../describe/check.ts';
import { keyId } from '../describe/envelope.ts';
import { bootChecks } from '../describe/statements.ts';
import { VmkilnError } from '../errors.ts';
import type { Candidate } from '../targets/channel-place.ts';

/** What the statements about an image say, once they are believed. `media` are digests. */
export type Approval = { media: string[]; signedBy?: string };

/** What is asked of the statements: who must have signed them, if anybody, and whether an image will do that was only looked into. */
type Asked = { key: KeyObject | undefined; allowUnbooted: boolean };

/**
 * The verdict of the boot gate: whether the statements about an image say that it was booted and that no check failed, and, with a key, whether
 * whoever has the private part of it says so. Pure.
 *
 * @throws VmkilnError PROVENANCE_INVALID with the reason
 */
export function approve(
  candidate: Pick<Candidate, 'id' | 'name' | 'sha256' | 'data'>,
  statements: string | undefined,
  { key, allowUnbooted }: Asked,
): Approval {
  const { name, sha256 } = candidate;
  if (statements === undefined) {
    throw refused(
      'statements-missing',
      `nothing says that ${name} was booted and checked`,
      'build it from a recipe with `verify` and `describe`; where statements lie elsewhere, name the file: --statements FILE',
    );
  }
  const found = judgeStatements(statements, sha256, undefined, key);
  if (!found.ok) throw refused(found.reason, `${name}: ${found.message}`, hints[found.reason] ?? distrust);
  checkData(candidate, found, key);
  if (!found.tested) {
    throw refused(
      'not-tested',
      `${name} was built, and never booted to be checked`,
      'put `verify: true` into its recipe and build it again',
    );
  }
  if (!found.booted && !allowUnbooted) {
    throw refused(
      'not-booted',
      `${name} was looked into, and no check shows that it boots`,
      `boot it and look; to promote it unbooted, add --allow-unbooted, or allowUnbooted: true to the channel of a factory (an image of Linux: take ${bootChecks.slice(0, 2).join(' and ')} out of verify.skip of its recipe, and build it again)`,
    );
  }
  return { media: found.media, ...(key && { signedBy: keyId(key) }) };
}

/**
 * In a cloud a property says which image an image is, and anybody copies properties: its data has to be that of which the statements are. Where it is
 * not, because vmkiln or the service has converted it on its way, no signature is about it: without a key it will do that it is what was published.
 */
function checkData(
  { id, name, sha256, data }: Pick<Candidate, 'id' | 'name' | 'sha256' | 'data'>,
  { sha512 }: { sha512: string | undefined },
  key: KeyObject | undefined,
): void {
  if (data === undefined) return;
  const { algorithm, digest, asPublished } = data;
  const said = algorithm === 'sha256' ? sha256 : algorithm === 'sha512' ? sha512 : undefined;
  if (said !== undefined && said === digest) return;
  if (asPublished && key === undefined) return;
  if (said === undefined || digest === undefined) {
    throw refused(
      'data-unknown',
      digest === undefined
        ? `the cloud has no hash of ${name} (${id}), so that nothing tells whether its data is that of the statements`
        : `the statements about ${name} do not name its ${algorithm}, by which the cloud knows its data`,
      algorithm === 'sha512'
        ? 'build it again: a build that changes nothing states it anew, with its sha512, in statements.intoto.jsonl of its folder (--statements FILE)'
        : 'the operator of the cloud chooses the algorithm (hashing_algorithm): sha512 and sha256 can be compared',
    );
  }
  if (asPublished) {
    throw refused(
      'data-converted',
      `${name} (${id}) was converted on its way into the cloud: what was signed is another file`,
      'build it in the format that the cloud keeps (output: { format: raw }), so that nothing converts it, and publish that',
    );
  }
  throw refused(
    'data-changed',
    `the data of ${name} (${id}) is not that of which the statements are: its ${algorithm} is ${digest}, not ${said}`,
    'find out who put it there; name the right one by its id, or publish it again',
  );
}

const distrust = 'do not use the image before you know why; fetch it and what lies beside it again';

const hints: Readonly<Record<string, string>> = {
  'not-signed': 'sign what builds say of their images (describe.signWith in the recipe), and build it again',
  'signature-invalid':
    'give the public part of the key that the recipe signs with, or find out who wrote the statements',
  'test-failed': 'mend what the check found, and build it again',
};

function refused(reason: string, message: string, hint: string): VmkilnError {
  return new VmkilnError('PROVENANCE_INVALID', `${reason}: ${message}`, { hint });
}

/** Digests of the media that an image was made from, by its statements or as its place knows them; undefined when nothing says. Pure. */
function mediaOf({ sha256, statements, media }: Candidate): readonly string[] | undefined {
  if (media !== undefined || statements === undefined) return media;
  const found = judgeStatements(statements, sha256, undefined, undefined);
  return found.ok ? found.media : undefined;
}

/**
 * An image, every other one with the same content, and every one that was built on one of these. `unknown` are those of which nothing says what
 * they were built on. Pure.
 */
export function withDescendants(
  image: Candidate,
  all: readonly Candidate[],
): { found: Candidate[]; unknown: Candidate[] } {
  const known = all.map((each) => ({ each, media: mediaOf(each) }));
  const digests = new Set([image.sha256]);
  for (let before = 0; before !== digests.size;) {
    before = digests.size;
    for (const { each, media } of known) if (media?.some((digest) => digests.has(digest))) digests.add(each.sha256);
  }
  return {
    found: all.filter(({ sha256 }) => digests.has(sha256)),
    unknown: known
      .filter(({ each, media }) => media === undefined && !digests.has(each.sha256))
      .map(({ each }) => each),
  };
}
