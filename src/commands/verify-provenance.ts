import { resolve } from 'node:path';
import { readBeside } from '../describe/beside.ts';
import { digestsOf, judgeStatements, type Judgement } from '../describe/check.ts';
import { suffixes } from '../describe/names.ts';
import { VmkilnError } from '../errors.ts';
import { withImage } from '../images/file.ts';
import { digestFile } from '../store/digest.ts';
import { harmless, jsonText } from '../text.ts';
import type { CommandContext } from '../ui/ui.ts';
import { readPublicKey } from '../describe/public-key.ts';

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
  const { statements, inventory, sbom } = await readBeside(path);
  if (statements === undefined) throw refused('statements-missing', `there is no ${path}${suffixes.statements}`);
  const found = judgeStatements(statements, sha256, digestsOf({ inventory, sbom }), signer);
  if (!found.ok) throw refused(found.reason, found.message);
  if (!signer) say('no --key was given: whoever could change the image could change what is said of it');
  const { build, builder, tested, booted, warned } = found;
  const told = { image: path, sha256, build, builder, tested, booted, warned, signed: signer !== undefined };
  const text = `${image}: built by vmkiln ${builder['vmkiln']} as ${build}${checksText(found)}${signer ? `; signed with the key in ${key}` : ''}`;
  process.stdout.write(`${json ? jsonText(told) : harmless(text, { oneLine: true })}\n`);
}

/** What was done to find out whether the image works. */
function checksText({ tested, booted, warned }: Extract<Judgement, { ok: true }>): string {
  if (!tested) return ', never checked';
  const skipped = warned.length > 0 ? ` (skipped: ${warned.join(', ')})` : '';
  return `, ${booted ? 'booted and checked' : 'looked into, and not booted'}${skipped}`;
}

function refused(reason: string, message: string): VmkilnError {
  return new VmkilnError('PROVENANCE_INVALID', `${reason}: ${message}`, {
    hint: 'do not use the image before you know why; fetch it and what lies beside it again',
  });
}
