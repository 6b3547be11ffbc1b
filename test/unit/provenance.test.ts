import type { Verdict } from '../../src/verify/verdict.ts';
import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, test, vi } from 'vitest';
import { verifyProvenance } from '../../src/commands/verify-provenance.ts';
import { documentsOf } from '../../src/describe/documents.ts';
import { keyId, seal, signingKey } from '../../src/describe/envelope.ts';
import { suffixes } from '../../src/describe/names.ts';
import { VmkilnError } from '../../src/errors.ts';
import { makePlan } from '../../src/pipeline/plan.ts';
import { commandContext } from '../support/command-context.ts';
import { inventory } from '../support/inventory.ts';
import { planInput } from '../support/plan-input.ts';
import { rhelRecipe } from '../support/rhel.ts';

const keys = {
  ed25519: generateKeyPairSync('ed25519'),
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
};
const stranger = generateKeyPairSync('ed25519');
const verdict: Verdict = { version: 1, passed: true, results: [{ check: 'login', outcome: 'passed', message: '' }] };

const folder = mkdtempSync(join(tmpdir(), 'provenance-'));
const image = join(folder, 'rhel7.qcow2');
const pub = join(folder, 'signer.pub');
const files = { ...suffixes, image: '' };

/** An image of a few bytes with all that belongs beside it. */
async function publish(key: KeyObject | undefined, more: { verdict?: typeof verdict; bytes?: string } = { verdict }) {
  const bytes = more.bytes ?? 'image';
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const plan = makePlan(planInput(await rhelRecipe('description: of http://me:hush@mirror.example.com/a?sig=hush\n')));
  const made = {
    image: { name: 'rhel7.qcow2', digest: { sha256 } },
    build: 'rhel7-1',
    finishedOn: '2026-11-28T03:00:00Z',
  };
  const about = inventory();
  const documents = documentsOf({ ...about, image: { ...about.image, sha256 } }, plan, made, { ...more, key });
  writeFileSync(image, bytes);
  for (const [name, suffix] of Object.entries(suffixes))
    writeFileSync(`${image}${suffix}`, documents[name as keyof typeof suffixes]);
  return documents;
}

const read = (name: keyof typeof files) => readFileSync(`${image}${files[name]}`, 'utf8');
const write = (name: keyof typeof files, text: string) => writeFileSync(`${image}${files[name]}`, text);
const lines = () => read('statements').trimEnd().split('\n');
type Sealed = { payload: string; payloadType: string; signatures: { keyid: string; sig: string }[] };
const edit = (at: number, change: (envelope: Sealed) => unknown) => {
  const all = lines().map((line, index) => {
    if (index !== at) return line;
    const envelope = JSON.parse(line) as Sealed;
    return JSON.stringify(change(envelope) ?? envelope);
  });
  write('statements', `${all.join('\n')}\n`);
};
const statementOf = ({ payload }: Sealed) => Buffer.from(payload, 'base64').toString('utf8');
const inPayload = (from: string | RegExp, to: string) => (envelope: Sealed) => {
  const changed = statementOf(envelope).replace(from, to);
  expect(changed).not.toBe(statementOf(envelope));
  envelope.payload = Buffer.from(changed).toString('base64');
};
/** By somebody with another key, who can write any statement. */
const forged = (from: string | RegExp, to: string) => (envelope: Sealed) =>
  seal(statementOf(envelope).replace(from, to), stranger.privateKey);

async function outcome(key: string | null = pub): Promise<string> {
  try {
    await verifyProvenance(image, { ...(key !== null && { key }), json: true }, commandContext());
    return 'verified';
  } catch (error) {
    if (!(error instanceof VmkilnError) || error.code !== 'PROVENANCE_INVALID') throw error;
    return error.message.split(':')[0] ?? '';
  }
}

/** What is said to a person. */
async function told(): Promise<string> {
  vi.mocked(process.stdout.write).mockClear();
  await verifyProvenance(image, {}, commandContext());
  return vi.mocked(process.stdout.write).mock.calls.join('');
}

beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  writeFileSync(pub, keys.ed25519.publicKey.export({ type: 'spki', format: 'pem' }));
});

test.each(Object.entries(keys))(
  'what was signed with a key of the kind %s is verified',
  async (_, { privateKey, publicKey }) => {
    await publish(signingKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()));
    writeFileSync(pub, publicKey.export({ type: 'spki', format: 'pem' }));
    expect(await outcome()).toBe('verified');
    writeFileSync(pub, stranger.publicKey.export({ type: 'spki', format: 'pem' }));
    expect(await outcome()).toBe('signature-invalid');
  },
);

const repeat = (text: string) => `${text}${text}`;
const subjectName = '"subject":[{"name":"rhel7.qcow2"';

/** The last digit before the padding with its lowest bit turned, which no byte has. */
const spare = (digit: string) => {
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return digits[digits.indexOf(digit) ^ 1] ?? '';
};

/** What somebody may do to what was published and signed, and the reason for which it is refused. */
const tamperings: readonly [string, string, () => unknown][] = [
  ['a byte more of the image', 'image-changed', () => appendFileSync(image, 'x')],
  ['another image', 'image-changed', () => write('image', 'other')],
  ['a byte more of the bill', 'file-changed', () => appendFileSync(`${image}${suffixes.sbom}`, ' ')],
  ['a package left out of the bill', 'file-changed', () => write('sbom', read('sbom').replace('"bash"', '"dash"'))],
  ['no bill', 'file-missing', () => rmSync(`${image}${suffixes.sbom}`)],
  ['an edited inventory', 'file-changed', () => write('inventory', read('inventory').replace('4.2.46', '4.2.47'))],
  ['no inventory', 'file-missing', () => rmSync(`${image}${suffixes.inventory}`)],
  ['no statements', 'statements-missing', () => rmSync(`${image}${suffixes.statements}`)],
  ['empty statements', 'provenance-missing', () => write('statements', '')],
  ['no provenance', 'provenance-missing', () => write('statements', `${lines()[1]}\n`)],
  ['no test result', 'test-result-missing', () => write('statements', `${lines()[0]}\n`)],
  ['a statement twice', 'statement-repeated', () => write('statements', repeat(read('statements')))],
  ['half a line', 'statements-malformed', () => write('statements', read('statements').slice(0, 300))],
  ['no JSON', 'statements-malformed', () => write('statements', 'verified\n')],
  [
    'a flipped signature',
    'signature-invalid',
    () =>
      edit(
        0,
        (e) =>
          void (e.signatures = e.signatures.map((s) => ({ ...s, sig: `A${s.sig.slice(1)}`.replace(/^AA/, 'BA') }))),
      ),
  ],
  [
    'bits of a signature that say nothing',
    'statements-malformed',
    () =>
      edit(0, (e) => void (e.signatures = e.signatures.map((s) => ({ ...s, sig: s.sig.replace(/.(?==+$)/, spare) })))),
  ],
  [
    'a signature with more behind it',
    'statements-malformed',
    () => edit(0, (e) => void (e.signatures = e.signatures.map((s) => ({ ...s, sig: `${s.sig}!` })))),
  ],
  [
    'the id of another key',
    'signature-invalid',
    () => edit(0, (e) => void (e.signatures = e.signatures.map((s) => ({ ...s, keyid: keyId(stranger.publicKey) })))),
  ],
  [
    'half a signature',
    'signature-invalid',
    () => edit(0, (e) => void (e.signatures = e.signatures.map((s) => ({ ...s, sig: s.sig.slice(0, 44) })))),
  ],
  [
    'a payload twice, of which a reader may take the first',
    'statements-malformed',
    () => write('statements', read('statements').replace('{"payload":', '{"payload":"e30=","payload":')),
  ],
  [
    'a blank in an envelope',
    'statements-malformed',
    () => write('statements', read('statements').replace('":', '": ')),
  ],
  [
    'line ends of Windows',
    'statements-malformed',
    () => write('statements', read('statements').replaceAll('\n', '\r\n')),
  ],
  ['a mark before the first', 'statements-malformed', () => write('statements', `\u{feff}${read('statements')}`)],
  ['an image cut short', 'image-changed', () => write('image', 'imag')],
  [
    'inventory and bill exchanged',
    'file-changed',
    () => {
      const [inventoryText, bill] = [read('inventory'), read('sbom')];
      write('inventory', bill);
      write('sbom', inventoryText);
    },
  ],
  ['line ends of Windows in the bill', 'file-changed', () => write('sbom', read('sbom').replaceAll('\n', '\r\n'))],
  ['no signature of the build', 'not-signed', () => edit(0, (e) => void (e.signatures = []))],
  ['no signature of the test', 'not-signed', () => edit(1, (e) => void (e.signatures = []))],
  [
    'signatures exchanged',
    'signature-invalid',
    () => {
      const [one, other] = lines().map((line) => JSON.parse(line) as Sealed);
      if (one && other) [one.signatures, other.signatures] = [other.signatures, one.signatures];
      write('statements', `${JSON.stringify(one)}\n${JSON.stringify(other)}\n`);
    },
  ],
  ['another builder', 'signature-invalid', () => edit(0, inPayload('"vmkiln":"', '"vmkiln":"9'))],
  ['another medium', 'signature-invalid', () => edit(0, inPayload('"medium/', '"medium/x'))],
  ['another subject', 'signature-invalid', () => edit(0, inPayload(subjectName, '"subject":[{"name":"x.qcow2"'))],
  [
    'two subjects',
    'statements-malformed',
    () => edit(0, inPayload(subjectName, `"subject":[{"name":"x","digest":{"sha256":""}},{"name":"rhel7.qcow2"`)),
  ],
  ['a failure made a pass', 'signature-invalid', () => edit(1, inPayload('"login"', '"logout"'))],
  ['another type of payload', 'statements-malformed', () => edit(0, (e) => void (e.payloadType = 'text/plain'))],
  [
    'a payload with a blank',
    'statements-malformed',
    () => edit(0, (e) => void (e.payload = `${e.payload.slice(0, 8)} ${e.payload.slice(8)}`)),
  ],
  ['signed anew by a stranger', 'signature-invalid', () => edit(0, forged('"vmkiln":"', '"vmkiln":"9'))],
  [
    'signed by a stranger under the id of the key',
    'signature-invalid',
    () =>
      edit(0, (e) => {
        const signed = seal(statementOf(e), stranger.privateKey);
        return {
          ...signed,
          signatures: signed.signatures.map((s) => ({ ...s, keyid: keyId(keys.ed25519.publicKey) })),
        };
      }),
  ],
  [
    'a statement of a stranger added',
    'signature-invalid',
    () =>
      appendFileSync(
        `${image}${suffixes.statements}`,
        `${JSON.stringify(seal(statementOf(JSON.parse(lines()[1] ?? '') as Sealed), stranger.privateKey))}\n`,
      ),
  ],
  [
    'a statement of another type added',
    'statement-unknown',
    () =>
      appendFileSync(
        `${image}${suffixes.statements}`,
        `${JSON.stringify(seal(statementOf(JSON.parse(lines()[1] ?? '') as Sealed).replace('test-result/v0.1', 'other/v1'), keys.ed25519.privateKey))}\n`,
      ),
  ],
];

test.each(tamperings)('%s is refused: %s', async (_what, reason, tamper) => {
  await publish(keys.ed25519.privateKey);
  expect(await outcome()).toBe('verified');
  tamper();
  expect(await outcome()).toBe(reason);
});

test('the statements of another image are refused, though the same key has signed them', async () => {
  await publish(keys.ed25519.privateKey, { verdict, bytes: 'other' });
  write('image', 'image');
  expect(await outcome()).toBe('image-changed');
});

test('the test results of another build are refused, though the same key has signed them', async () => {
  const other: Verdict = { version: 1, passed: true, results: [{ check: 'sudo', outcome: 'passed', message: '' }] };
  const [, foreign] = (await publish(keys.ed25519.privateKey, { verdict: other })).statements.split('\n');
  await publish(keys.ed25519.privateKey);
  write('statements', `${lines()[0]}\n${foreign}\n`);
  expect(await outcome()).toBe('test-result-changed');
  await publish(keys.ed25519.privateKey, {});
  write('statements', `${lines()[0]}\n${foreign}\n`);
  expect(await outcome()).toBe('test-result-changed');
});

test('a boot that failed is refused', async () => {
  await publish(keys.ed25519.privateKey, {
    verdict: { version: 1, passed: false, results: [{ check: 'login', outcome: 'failed', message: 'x' }] },
  });
  expect(await outcome()).toBe('test-failed');
});

test('what was only looked into, or let through, is said, with what was found', async () => {
  const skipped = (check: string, message: string) => ({ check, outcome: 'skipped' as const, message });
  await publish(undefined, {
    verdict: {
      version: 1,
      passed: true,
      results: [
        { check: 'leftovers', outcome: 'passed', message: '' },
        skipped('login', 'it may fail: http://me:hush@mirror.example.com/a timed out'),
        skipped('console', 'it may fail: nothing'),
      ],
    },
  });
  const predicate = statementOf(JSON.parse(lines()[1] ?? '') as Sealed);
  expect(JSON.parse(predicate)).toMatchObject({
    predicate: {
      result: 'WARNED',
      passedTests: ['leftovers'],
      warnedTests: ['login', 'console'],
      failedTests: [],
      vmkiln_findings: {
        login: expect.stringContaining('mirror.example.com/a timed out'),
        console: 'it may fail: nothing',
      },
    },
  });
  expect(predicate).not.toContain('hush');
  expect(await told()).toMatch(/^\S+: built by .*, looked into, and not booted \(skipped: login, console\)$/m);
  await publish(undefined);
  expect(await told()).toMatch(/, booted and checked$/m);
  await publish(undefined, {});
  expect(await told()).toMatch(/, never checked$/m);
});

test('without a key, nothing has to be signed', async () => {
  await publish(undefined);
  expect(await outcome(null)).toBe('verified');
  expect(await outcome()).toBe('not-signed');
  appendFileSync(image, 'x');
  expect(await outcome(null)).toBe('image-changed');
});

describe('the provenance', () => {
  test('names what went into the image, and no credentials', async () => {
    await publish(undefined);
    const text = statementOf(JSON.parse(lines()[0] ?? '') as Sealed);
    expect(JSON.parse(text)).toMatchObject({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'rhel7.qcow2' }],
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          externalParameters: { recipe: { family: 'rhel' } },
          resolvedDependencies: expect.arrayContaining([
            expect.objectContaining({ name: 'recipe' }),
            expect.objectContaining({ name: 'medium/iso' }),
            expect.objectContaining({ name: 'rendered/ks.cfg' }),
            { name: 'repository/rhel-7-server-rpms/repomd.xml', digest: { sha256: 'c'.repeat(64) } },
          ]),
        },
        runDetails: { metadata: { invocationId: 'rhel7-1' } },
      },
    });
    expect(text).toContain('of http://mirror.example.com/a?***');
    expect(text).not.toContain('hush');
  });
});

test('a key that cannot sign is refused', () => {
  const { privateKey } = generateKeyPairSync('x25519');
  expect(() => signingKey(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toThrow(/cannot sign/);
  const locked = keys.ec.privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' });
  expect(() => signingKey(locked.toString())).toThrow(/cannot be read/);
});
