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
  return languageTag.test(text) || /^[0-9A-Fa-f]{4}(:[0-9A-Fa-f]{8})?$/.test(text);
}

export function isKeyboard(text: string): boolean {
  return keyboards.test(text);
}
