/** A language of Windows has its region, and some a script or more: `sr-Latn-RS`, `ca-ES-valencia`, `es-ES_tradnl`. */
export const languageTag = /^[A-Za-z]{2,3}(-[A-Za-z]{4})?-([A-Za-z]{2}|\d{3})(-[A-Za-z]{5,8}|_[A-Za-z]{5,8})?$/;

const guid = String.raw`\{[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}`;
const layout = `[A-Za-z]{2,3}(-[A-Za-z]{4})?-[A-Za-z]{2}|[0-9A-Fa-f]{4}:([0-9A-Fa-f]{8}|${guid}${guid})`;

/**
 * "InputLocale" in the "Unattended Windows Setup Reference": languages, or pairs of a language and a layout, by semicolons. The
 * input methods of some languages are two GUIDs ("Default Input Profiles (Input Locales) in Windows").
 */
export const keyboards = new RegExp(`^(${layout})(;(${layout}))*$`);

/** Whether an answer file may name this language: by its tag, or by the number that old ones have. */
export function isLanguage(text: string): boolean {
  return (languageTag.test(text) && isKnown(text)) || /^[0-9A-Fa-f]{4}(:[0-9A-Fa-f]{8})?$/.test(text);
}

const names = {
  language: new Intl.DisplayNames('en', { type: 'language', fallback: 'none' }),
  region: new Intl.DisplayNames('en', { type: 'region', fallback: 'none' }),
};

/**
 * Whether there are a language and a region of these codes, by Unicode's CLDR. The names of Windows (MS-LCID, 2.2) have no `UK`,
 * an alias of `GB`, but have kept `CS`, and their pseudo-locales begin with `qps`.
 */
function isKnown(tag: string): boolean {
  const [language = '', ...rest] = (tag.split('_')[0] ?? '').split('-');
  const region = rest.find((part) => /^([A-Za-z]{2}|\d{3})$/.test(part))?.toUpperCase() ?? '';
  if (/^qps$/i.test(language) || region === 'CS') return true;
  return names.language.of(language) !== undefined && region !== 'UK' && names.region.of(region) !== undefined;
}

/** Published files have a space behind a semicolon. */
export function isKeyboard(text: string): boolean {
  return keyboards.test(text.replaceAll(/;\s+/g, ';'));
}
