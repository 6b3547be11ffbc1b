import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { approve } from '../../src/channels/verdict.ts';
import type { PlaceData } from '../../src/targets/channel-place.ts';
import { documentsAbout } from '../support/statements.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const [sha256, sha512] = ['a'.repeat(64), 'b'.repeat(128)];

/** What becomes of an image that was published and has such data, with a key and without. */
async function verdicts(data: PlaceData, about: { sha512?: string } = { sha512 }): Promise<string[]> {
  const { statements } = await documentsAbout({ sha256, passed: true, key: privateKey, ...about });
  return [publicKey, undefined].map((key) => {
    try {
      approve({ id: '1', name: 'x', sha256, data }, statements, { key, allowUnbooted: false });
      return 'approved';
    } catch (error) {
      return (error as Error).message.split(':')[0] ?? '';
    }
  });
}

test.each([
  ['the SHA-512 of the statements', 'sha512', sha512, ['approved', 'approved']],
  ['the SHA-256 of the statements', 'sha256', sha256, ['approved', 'approved']],
  ['another hash', 'sha512', 'c'.repeat(128), ['data-converted', 'approved']],
  ['a hash that no statement has', 'sha384', 'c'.repeat(96), ['data-unknown', 'approved']],
])('data with %s', async (_, algorithm, digest, expected) => {
  expect(await verdicts({ algorithm, digest, asPublished: true })).toEqual(expected);
  const unsaid = expected[0] === 'approved' ? expected : [1, 2].map(() => expected[0]?.replace('converted', 'changed'));
  expect(await verdicts({ algorithm, digest, asPublished: false })).toEqual(unsaid);
});

test('data of which the cloud or the statements name no hash', async () => {
  const unknown = ['data-unknown', 'data-unknown'];
  expect(await verdicts({ algorithm: undefined, digest: undefined, asPublished: false })).toEqual(unknown);
  expect(await verdicts({ algorithm: 'sha512', digest: sha512, asPublished: false }, {})).toEqual(unknown);
});
