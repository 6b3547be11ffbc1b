/** What lies beside an image, by what is added to its name. */
export const suffixes = { inventory: '.inventory.json', sbom: '.cdx.json', statements: '.intoto.jsonl' } as const;

/** The texts of these files. */
export type Documents = Record<keyof typeof suffixes, string>;

/** How the provenance names the statement with the test results, whose text it has the digest of. */
export const testResultName = 'test-result';
