/** The templates that vmkiln ships, compiled: `scripts/bundle.mjs` fills this in a build. Keys are those of `compiledKey`. */
export const compiled: ReadonlyMap<string, TemplateSpecification> = new Map();
