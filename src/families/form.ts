import { z } from 'zod';
import { firstKeys, hooksKey, outputKey } from '../recipe/common.ts';
import { describeKey } from '../recipe/describe.ts';
import { verifyKey } from '../recipe/verify.ts';
import { uploadKey } from '../targets/recipe.ts';

/** The form of a family's recipes: its own keys, between those that every recipe begins and ends with. */
export function recipeForm<Own extends z.ZodRawShape>(own: Own) {
  return z.strictObject({
    ...firstKeys,
    ...own,
    verify: verifyKey,
    describe: describeKey,
    output: outputKey,
    upload: uploadKey,
    hooks: hooksKey,
  });
}
