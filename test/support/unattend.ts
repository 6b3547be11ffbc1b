import { expect } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { rendered } from './rhel.ts';
import { windowsRecipe } from './windows.ts';

export const uefi = 'machine: { firmware: uefi }\n';
export const bios = '';

/** What is said of the shipped answer file of a recipe after one change. */
export async function said(more: string, from: string | RegExp, to: string, release = '2022'): Promise<string[]> {
  const recipe = await windowsRecipe(more, release);
  const file = rendered(recipe, 'Autounattend.xml');
  const text = file.text.replace(from, to);
  expect(text).not.toBe(file.text);
  const findings = familyOf(recipe).lint?.(recipe, [{ ...file, text }]) ?? [];
  return findings.map(({ level, message }) => `${level}: ${message}`);
}

/** What replaces the beginning of the accounts, to have one more. */
export const account = (inside: string) =>
  `<UserAccounts><LocalAccounts><LocalAccount wcm:action="add">${inside}</LocalAccount></LocalAccounts>`;

/** A text as Windows SIM encodes it, without the name of the element behind it. */
export const encoded = (text: string) => Buffer.from(text, 'utf16le').toString('base64');

/** A component of the pass specialize that joins a domain. */
export const join = (inside: string) =>
  `<component name="Microsoft-Windows-UnattendedJoin" processorArchitecture="amd64" publicKeyToken="31bf3856ad364e35" language="neutral" versionScope="nonSxS"><Identification>${inside}<JoinDomain>corp.example.com</JoinDomain></Identification></component>`;
