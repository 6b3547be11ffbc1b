import { createHash } from 'node:crypto';
import type { Piece, Plan } from '../model.ts';
import type { Repository } from './inventory.ts';
import type { Verdict } from '../verify/verdict.ts';

/**
 * A file by its name and digests: a ResourceDescriptor of in-toto. An image has a `sha512` too, which is what the Image service knows of its data unless its
 * operator has chosen another algorithm (`hashing_algorithm` in glance-api.conf).
 */
export type Resource = { name: string; uri?: string; digest: { sha256: string; sha512?: string } };

/** An in-toto statement, v1 (in-toto/attestation, spec/v1/statement.md), about one file. */
export type Statement = {
  _type: typeof statementV1;
  subject: [Resource];
  predicateType: string;
  predicate: unknown;
};

export const statementV1 = 'https://in-toto.io/Statement/v1';
/** Of SLSA: slsa.dev/spec/v1.0/provenance. */
export const provenanceV1 = 'https://slsa.dev/provenance/v1';
/** Of in-toto: in-toto/attestation, spec/predicates/test-result.md. */
export const testResult = 'https://in-toto.io/attestation/test-result/v0.1';

const home = 'https://github.com/vmkiln/vmkiln';

/** The image that statements are about, and the build that made it. Times are in ISO 8601. */
export type Made = { image: Resource; build: string; finishedOn: string };

/**
 * How an image came about: the recipe with its variables filled in, every file that went into it, and the metadata of the repositories that
 * its packages came from, as far as it is known. Secrets are in it by the name of their
 * variable or file alone.
 *
 * @param byproducts what was written about the image.
 */
export function provenance(
  plan: Plan,
  { image, build, finishedOn }: Made,
  byproducts: readonly Resource[],
  repositories: readonly Repository[] = [],
): Statement {
  const { name, rehearsal, recipe, host, vmkiln } = plan;
  const { qemu, libvirt, 'guestfs-tools': guestfs } = host.versions;
  return {
    _type: statementV1,
    subject: [image],
    predicateType: provenanceV1,
    predicate: withoutCredentials({
      buildDefinition: {
        buildType: `${home}/build/v1`,
        externalParameters: { name, rehearsal, recipe },
        internalParameters: { arch: host.arch, accelerator: host.accelerator },
        resolvedDependencies: [
          ...dependencies(plan),
          ...repositories.map((each) => ({ name: `repository/${each.name}`, digest: { sha256: each.sha256 } })),
        ],
      },
      runDetails: {
        builder: { id: home, version: { vmkiln, qemu, libvirt, 'guestfs-tools': guestfs } },
        metadata: { invocationId: build, finishedOn },
        byproducts,
      },
    }),
  };
}

/** Checks that only a system that was booted passes. */
export const bootChecks: readonly string[] = ['login', 'second-boot', 'first-boot'];

/**
 * What the checks of an image have shown. One that was skipped, because the recipe lets it fail or because it could not be asked, is a test with a
 * warning, and `vmkiln_findings` has what it found: an extension field, for which the predicate has none of its own (in-toto/attestation,
 * spec/v1/README.md, parsing rules). Whether the image was booted follows from `bootChecks` among those that passed.
 */
export function testResults(
  { passed, results }: Pick<Verdict, 'passed' | 'results'>,
  image: Resource,
  { recipeFile }: Plan,
): Statement {
  const those = (outcome: string) => results.filter((each) => each.outcome === outcome).map(({ check }) => check);
  const warned = results.filter(({ outcome }) => outcome === 'skipped');
  return {
    _type: statementV1,
    subject: [image],
    predicateType: testResult,
    predicate: withoutCredentials({
      result: !passed ? 'FAILED' : warned.length > 0 ? 'WARNED' : 'PASSED',
      configuration: [{ name: 'recipe', digest: { sha256: recipeFile.sha256 } }],
      passedTests: those('passed'),
      warnedTests: those('skipped'),
      failedTests: those('failed'),
      ...(warned.length > 0 && {
        vmkiln_findings: Object.fromEntries(warned.map(({ check, message }) => [check, message])),
      }),
    }),
  };
}

/** Recipe, media, answer files and guest scripts as rendered, and every file of the user's or of vmkiln's that a command reads. */
function dependencies({ recipeFile, media, rendered, stages }: Plan): Resource[] {
  const files = new Map<string, string>();
  const note = (piece: Piece) => {
    if (typeof piece === 'object' && 'file' in piece && piece.sha256 !== undefined) files.set(piece.file, piece.sha256);
  };
  const words = stages.flatMap(({ commands }) => commands.flatMap(({ args }) => args));
  for (const word of words) {
    if (Array.isArray(word)) word.forEach(note);
    else note(word as Piece);
  }
  const mediaFiles = Object.entries(media);
  for (const [, { path }] of mediaFiles) files.delete(path);
  return [
    { name: 'recipe', uri: fileUri(recipeFile.path), digest: { sha256: recipeFile.sha256 } },
    ...mediaFiles.flatMap(([role, { source, sha256 }]) =>
      sha256 === undefined ? [] : [{ name: `medium/${role}`, uri: uriOf(source), digest: { sha256 } }],
    ),
    ...rendered.map(({ name, text }) => ({ name: `rendered/${name}`, digest: { sha256: sha256Of(text) } })),
    ...[...files].map(([path, sha256]) => ({ name: 'file', uri: fileUri(path), digest: { sha256 } })),
  ];
}

function uriOf(source: string): string {
  return /^[a-z][a-z0-9+.-]*:/i.test(source) ? source : fileUri(source);
}

function fileUri(path: string): string {
  return `file://${path.split('/').map(encodeURIComponent).join('/')}`;
}

/** The SHA-256 (lower-case hex) of a text, or of the bytes of a file. */
export function sha256Of(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}

/** A URL of the recipe may have a user and password in it, a proxy's or a repository's, or be one that is signed by what follows its `?`. */
function withoutCredentials<T>(value: T): T {
  const text = JSON.stringify(value)
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^/@\s"'?#]+@/gi, '$1')
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/[^\s"'?#\\]+\?)[^\s"'#\\]+/gi, '$1***');
  return JSON.parse(text) as T;
}
