import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { makePlan } from '../../src/pipeline/plan.ts';
import { loadRecipe } from '../../src/families/index.ts';
import { planInput } from '../support/plan-input.ts';

/**
 * Checkpoints of an earlier version hold as long as these fingerprints stay. After a change that is meant, and that the
 * changelog tells: `npx vitest run --project unit fingerprints-golden -u`.
 */
test('every shipped recipe finds the checkpoints of before', async () => {
  const lines: string[] = [];
  for (const file of readdirSync('recipes').filter((name) => name.endsWith('.yaml'))) {
    const { recipe } = await loadRecipe(`recipes/${file}`, {}, { rehearsal: true });
    const roles = ['iso', 'image', 'virtioIso', 'cloudbaseInitMsi'].filter((role) => role in recipe.source);
    const media = Object.fromEntries(
      roles.map((role, index) => [
        role,
        { source: role, path: `/media/${role}`, sha256: String(index).repeat(64), size: 1 },
      ]),
    );
    for (const { stage, fingerprint } of makePlan(planInput(recipe, { media })).stages) {
      lines.push(`${file} ${stage} ${fingerprint}`);
    }
  }
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot('golden/fingerprints');
});
