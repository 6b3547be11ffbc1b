import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { judgeStatements } from '../describe/check.ts';
import { suffixes } from '../describe/names.ts';
import { sha256Of } from '../describe/statements.ts';
import { VmkilnError } from '../errors.ts';
import { withImage } from '../images/file.ts';
import { digestFile } from '../store/digest.ts';
import { harmless, jsonText } from '../text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { readPublicKey } from './public-key.ts';

/**
 * `vmkiln verify-provenance`: whether what lies beside an image was written for it and, with a key, by whom. Asks nobody.
 *
 * @throws VmkilnError PROVENANCE_INVALID with the reason, USAGE when there is no such image or key.
 */
export async function verifyProvenance(
  image: string,
  { key, json }: { key?: string; json?: boolean },
  { signal, say, world }: CommandContext,
): Promise<void> {
  const path = resolve(world.cwd, image);
  const signer = await readPublicKey(key, world.cwd);
  const sha256 = await withImage(path, (file) => digestFile(file.open, signal));
  const lines = await beside(path, 'statements');
  if (lines === undefined) throw refused('statements-missing', `there is no ${path}${suffixes.statements}`);
  const [inventory, sbom] = await Promise.all([beside(path, 'inventory'), beside(path, 'sbom')]);
  const digests = {
    ...(inventory !== undefined && { inventory: sha256Of(inventory) }),
    ...(sbom !== undefined && { sbom: sha256Of(sbom) }),
  };
  const found = judgeStatements(lines.toString('utf8'), sha256, digests, signer);
  if (!found.ok) throw refused(found.reason, found.message);
  if (!signer) say('no --key was given: whoever could change the image could change what is said of it');
  const { build, builder, tested } = found;
  const told = { image: path, sha256, build, builder, tested, signed: signer !== undefined };
  const text = `${image}: built by vmkiln ${builder['vmkiln']} as ${build}${tested ? ', booted and checked' : ''}${signer ? `; signed with the key in ${key}` : ''}`;
  process.stdout.write(`${json ? jsonText(told) : harmless(text, { oneLine: true })}\n`);
}

function refused(reason: string, message: string): VmkilnError {
  return new VmkilnError('PROVENANCE_INVALID', `${reason}: ${message}`, {
    hint: 'do not use the image before you know why; fetch it and what lies beside it again',
  });
}

async function beside(path: string, what: keyof typeof suffixes): Promise<Buffer | undefined> {
  return readFile(`${path}${suffixes[what]}`).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT') return undefined;
    throw new VmkilnError('USAGE', `${path}${suffixes[what]} cannot be read: ${cause.message}`, { cause });
  });
}
