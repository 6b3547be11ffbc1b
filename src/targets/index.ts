import { directory } from './directory.ts';

/** Every target by its key in a recipe's `upload` list. */
export const targets = { directory } as const;
