import type { KeyObject } from 'node:crypto';
import { z } from 'zod';
import { type Envelope, isSignedBy, statementType } from './envelope.ts';
import { inBuild, testResultName } from './names.ts';
import { bootChecks, provenanceV1, sha256Of, statementV1, testResult } from './statements.ts';

/** Why what lies beside an image is not believed. */
type Reason =
  | 'statements-malformed'
  | 'not-signed'
  | 'signature-invalid'
  | 'statement-unknown'
  | 'provenance-missing'
  | 'statement-repeated'
  | 'image-changed'
  | 'file-missing'
  | 'file-changed'
  | 'test-result-missing'
  | 'test-result-changed'
  | 'test-failed';

/** What is wrong, or what the statements say of the image. */
export type Judgement =
  | { ok: false; reason: Reason; message: string }
  | {
      ok: true;
      /** SHA-512 of the image, unless an earlier version wrote the statements. */
      sha512: string | undefined;
      build: string;
      builder: Readonly<Record<string, string>>;
      /** Whether its checks were asked, and passed. */
      tested: boolean;
      /** Whether it passed one that only a booted system passes. */
      booted: boolean;
      /** The checks that were skipped. */
      warned: string[];
      signed: boolean;
      /** SHA-256 digests of the media that it was made from: of its base image, if it has one. */
      media: string[];
    };

/** The files beside an image: their texts' digests, in hex, by their suffix. One that is not there is left out. */
export type Beside = Readonly<Partial<Record<'inventory' | 'sbom', string>>>;

/** The digests of texts that lie beside an image. */
export function digestsOf({ inventory, sbom }: { inventory?: string | undefined; sbom?: string | undefined }): Beside {
  return {
    ...(inventory !== undefined && { inventory: sha256Of(inventory) }),
    ...(sbom !== undefined && { sbom: sha256Of(sbom) }),
  };
}

const resource = z.object({
  name: z.string(),
  digest: z.object({ sha256: z.string(), sha512: z.string().optional() }),
});
const envelope = z.strictObject({
  payload: z.string(),
  payloadType: z.literal(statementType),
  signatures: z.array(z.strictObject({ keyid: z.string(), sig: z.string() })),
});
const statement = z.strictObject({
  _type: z.literal(statementV1),
  subject: z.array(resource).length(1),
  predicateType: z.string(),
  predicate: z.unknown(),
});
const provenancePredicate = z.object({
  buildDefinition: z.object({ resolvedDependencies: z.array(resource) }),
  runDetails: z.object({
    builder: z.object({ id: z.string(), version: z.record(z.string(), z.string()) }),
    metadata: z.object({ invocationId: z.string() }),
    byproducts: z.array(resource),
  }),
});
const testPredicate = z.object({
  result: z.enum(['PASSED', 'WARNED']),
  passedTests: z.array(z.string()),
  warnedTests: z.array(z.string()).prefault([]),
});

type Read = { text: string; envelope: Envelope; statement: z.output<typeof statement> };

class Refusal extends Error {
  readonly reason: Reason;
  constructor(reason: Reason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Whether statements, one envelope in a line, hold for an image with that SHA-256 and for the files beside it. Pure.
 *
 * @param beside undefined: nobody looks at these files.
 * @param key who must have signed every one of them; undefined: nobody need have.
 */
export function judgeStatements(
  lines: string,
  image: string,
  beside: Beside | undefined,
  key: KeyObject | undefined,
): Judgement {
  try {
    return judge(lines, image, beside, key);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ok: false, reason: error.reason, message: error.message };
  }
}

function judge(lines: string, image: string, beside: Beside | undefined, key: KeyObject | undefined): Judgement {
  const all = lines
    .split('\n')
    .filter((line) => line !== '')
    .map(readLine);
  if (key) for (const each of all) checkSignature(each.envelope, key);
  const known = [provenanceV1, testResult];
  const unknown = all.find((each) => !known.includes(each.statement.predicateType));
  if (unknown)
    throw new Refusal(
      'statement-unknown',
      `a statement of the type ${unknown.statement.predicateType}, which vmkiln does not write`,
    );
  const how = only(all, provenanceV1);
  if (!how) throw new Refusal('provenance-missing', 'there is no statement about how the image was built');
  const test = only(all, testResult);
  for (const each of [how, ...(test ? [test] : [])]) checkSubject(each, image);
  const parsed = provenancePredicate.safeParse(how.statement.predicate);
  if (!parsed.success)
    throw new Refusal('statements-malformed', 'the statement about the build lacks what belongs into it');
  const { builder, metadata, byproducts } = parsed.data.runDetails;
  if (beside) for (const what of ['inventory', 'sbom'] as const) checkFile(what, byproducts, beside);
  const shown = checkTest(test, byproducts);
  const signed = all.every((each) => each.envelope.signatures.length > 0);
  const media = parsed.data.buildDefinition.resolvedDependencies
    .filter(({ name }) => name.startsWith('medium/'))
    .map(({ digest }) => digest.sha256);
  const { passedTests = [], warnedTests: warned = [] } = shown ?? {};
  const booted = passedTests.some((each) => bootChecks.includes(each));
  const sha512 = how.statement.subject[0]?.digest.sha512;
  const told = { sha512, build: metadata.invocationId, builder: builder.version, signed, media };
  return { ok: true, ...told, tested: shown !== undefined, booted, warned };
}

function readLine(line: string, index: number): Read {
  try {
    const value: unknown = JSON.parse(line);
    // What is read loosely can be written in many ways, of which a reader may take another: a key that is there twice, base64 with bits to spare.
    if (JSON.stringify(value) !== line) throw new Error('it is not as vmkiln writes it');
    const sealed = envelope.parse(value);
    const bytes = Buffer.from(sealed.payload, 'base64');
    const coded = [sealed.payload, ...sealed.signatures.map(({ sig }) => sig)];
    if (coded.some((word) => Buffer.from(word, 'base64').toString('base64') !== word))
      throw new Error('it is not base64');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { text, envelope: sealed, statement: statement.parse(JSON.parse(text)) };
  } catch {
    throw new Refusal(
      'statements-malformed',
      `line ${index + 1} is no in-toto statement about one file in a DSSE envelope`,
    );
  }
}

function checkSignature(sealed: Envelope, key: KeyObject): void {
  if (sealed.signatures.length === 0) throw new Refusal('not-signed', 'a statement is not signed by anybody');
  if (isSignedBy(sealed, key)) return;
  throw new Refusal('signature-invalid', 'a statement was not signed with this key, or was changed since');
}

function only(all: readonly Read[], type: string): Read | undefined {
  const found = all.filter((each) => each.statement.predicateType === type);
  if (found.length > 1)
    throw new Refusal('statement-repeated', `there are ${found.length} statements of the type ${type}`);
  return found[0];
}

function checkSubject({ statement: { subject } }: Read, image: string): void {
  const [about] = subject;
  if (about?.digest.sha256 === image) return;
  throw new Refusal(
    'image-changed',
    `a statement is about ${about?.name} with the SHA-256 ${about?.digest.sha256}; that of the image is ${image}`,
  );
}

type Resources = z.output<typeof resource>[];

function checkFile(what: 'inventory' | 'sbom', byproducts: Resources, beside: Beside): void {
  const named = byproducts.filter(({ name }) => name === inBuild[what]);
  const [one] = named;
  if (one === undefined || named.length > 1) {
    throw new Refusal(
      'statements-malformed',
      `the statement about the build names ${named.length} files ${inBuild[what]}, not one`,
    );
  }
  if (beside[what] === undefined) throw new Refusal('file-missing', `the ${what} is not beside the image`);
  if (beside[what] === one.digest.sha256) return;
  throw new Refusal(
    'file-changed',
    `the ${what} is not the one that was written for the image: its SHA-256 is ${beside[what]}, not ${one.digest.sha256}`,
  );
}

/** Leaving out a statement, or putting that of another build in its place, changes what the provenance has the digest of. */
function checkTest(test: Read | undefined, byproducts: Resources): z.output<typeof testPredicate> | undefined {
  const named = byproducts.find(({ name }) => name === testResultName);
  if (named === undefined && test === undefined) return undefined;
  if (test === undefined)
    throw new Refusal('test-result-missing', 'the image was checked, and the statement about it is not there');
  if (named === undefined || named.digest.sha256 !== sha256Of(test.text)) {
    throw new Refusal(
      'test-result-changed',
      'the statement about the checks is not the one that was written for the image',
    );
  }
  const { data } = testPredicate.safeParse(test.statement.predicate);
  if (data === undefined) throw new Refusal('test-failed', 'a check of the image failed');
  return data;
}
