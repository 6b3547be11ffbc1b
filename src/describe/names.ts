/** What lies beside an image, by what is added to its name. */
export const suffixes = { inventory: '.inventory.json', sbom: '.cdx.json', statements: '.intoto.jsonl' } as const;

/** The texts of these files. */
export type Documents = Record<keyof typeof suffixes, string>;

/** How the provenance names the statement with the test results, whose text it has the digest of. */
export const testResultName = 'test-result';

/** The inventory in the folder of a build. */
export const inventoryFile = 'inventory.json';

/** What a build's folder has of its image, by the name that hooks know it by. */
export const inBuild = {
  verdict: 'verify.json',
  inventory: inventoryFile,
  sbom: 'sbom.cdx.json',
  statements: 'statements.intoto.jsonl',
  difference: 'difference.json',
} as const;
