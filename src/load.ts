import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * A package that takes its time to load, in the moment in which a function needs it: `import()` would make that function, and all
 * that call it, wait for a promise. The type is that of the package.
 */
export function load<Package>(name: 'handlebars' | 'fast-xml-parser' | 'pngjs' | 'sax' | '@sigstore/core'): Package {
  return require(name) as Package;
}
