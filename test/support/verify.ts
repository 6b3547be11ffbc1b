import { checkNames } from '../../src/recipe/verify.ts';

/** Every check of a finished image of Linux, in the order of its results. */
export const verifyChecks = checkNames.slice(checkNames.indexOf('machine-id'), checkNames.indexOf('second-boot') + 1);

/** A verification with nothing that a recipe would add. */
export const plainOptions = {
  note: () => undefined,
  checks: [],
  skip: [],
  network: false,
  metadataService: false,
  goss: undefined,
};
