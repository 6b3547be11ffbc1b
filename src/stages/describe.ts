import type { KeyObject } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSecret } from '../answers/holes.ts';
import { diffInventories } from '../describe/diff.ts';
import type { Inventory } from '../describe/inventory.ts';
import { loadInventory } from '../describe/load.ts';
import { type Documents, inBuild, inventoryFile } from '../describe/names.ts';
import { differenceSummary } from '../describe/summary.ts';
import { VmkilnError } from '../errors.ts';
import { withImage } from '../images/file.ts';
import { inspectImage } from '../images/inspect.ts';
import type { SecretRef } from '../model.ts';
import { readContents } from './contents.ts';
import { digestsOf } from '../store/digest.ts';
import { type Kept, readDocuments } from './documents.ts';
import type { Verdict } from '../verify/verdict.ts';
import type { Stage, StageContext } from './stage.ts';
import { applianceTakes } from './weight.ts';

/** The stage that leaves the verdict of the booted image. */
const verdictStage = 'verify';

/** The name of the image's file, and the key that signs: where it is, and what tells it from others. */
type Settings = { file: string; format: 'qcow2' | 'raw'; signWith?: SecretRef; signer?: string };

/**
 * Reads what is in the finished image, and states how it came about. All of it is about the image: it is kept, and not read or signed anew until
 * the image, its verdict or the key changes.
 */
export const describe: Stage<Settings> = {
  name: 'describe',
  leaves: { file: 'describe.json' },
  hook: { name: 'afterBuild', after: 'result' },
  plan: ({ name, recipe, host, signer }) => {
    if (recipe.describe === undefined) return { commands: [], keys: [], omitted: 'the recipe says describe: false' };
    const { format } = recipe.output;
    const { signWith } = recipe.describe;
    const settings: Settings = {
      file: `${name}.${format}`,
      format,
      ...(signWith && { signWith }),
      ...(signer !== undefined && { signer }),
    };
    return {
      commands: [],
      keys: ['describe'],
      takes: applianceTakes(host),
      settings,
      // Not the name: a recipe with another one has the same image.
      counts: { version: 2, signer },
    };
  },
  run: async ({ settings }, context) => {
    const { path, sha256, size, build, madeAt, sha512 = await readSha512(path, context) } = context.image();
    const key = await keyOf(settings, context);
    const kept = context.document(verdictStage);
    const verdict = kept && (JSON.parse(await readFile(kept.path, 'utf8')) as Verdict);
    const ports = verdict?.ports && { ports: [...verdict.ports] };
    const image = { format: settings.format, size, ...(await virtualSizeOf(path, context)), sha256 };
    const inventory: Inventory = {
      version: 1,
      image,
      ...(await readContents(path, settings.format, context)),
      ...ports,
    };
    // Only now: its library takes its time to load.
    const { documentsOf } = await import('../describe/documents.ts');
    const documents = documentsOf(
      inventory,
      context.plan,
      { image: { name: settings.file, digest: { sha256, sha512 } }, build, finishedOn: madeAt },
      { key, verdict },
    );
    await writeFile(context.work('describe.json'), JSON.stringify({ version: 1, documents } satisfies Kept));
  },
  settle: async (layer, context) => {
    const documents = await readDocuments(layer);
    for (const kind of ['inventory', 'sbom', 'statements'] as const) {
      await writeFile(context.kept(inBuild[kind]), documents[kind]);
    }
    await tellDifference(documents, context);
  },
};

/** The key that was planned with. @throws VmkilnError SIGNATURE_INVALID when it is another one by now, SECRET_MISSING. */
async function keyOf({ signWith, signer }: Settings, { world }: StageContext): Promise<KeyObject | undefined> {
  if (signWith === undefined || signer === undefined) return undefined;
  const { keyId, signingKey } = await import('../describe/envelope.ts');
  const key = signingKey(readSecret(signWith, world.env));
  if (keyId(key) === signer) return key;
  throw new VmkilnError('SIGNATURE_INVALID', 'the key to sign with is not the one that the build was planned with', {
    hint: 'build again, with the key that is there now',
  });
}

/** Of an image that a version made which did not keep it. */
async function readSha512(path: string, { signal }: StageContext): Promise<string> {
  return (await digestsOf(path, signal)).sha512;
}

async function virtualSizeOf(path: string, { signal }: StageContext): Promise<Pick<Inventory['image'], 'virtualSize'>> {
  const { virtualSize } = await withImage(path, (file) => inspectImage(file, { signal, inside: false }));
  return virtualSize === undefined ? {} : { virtualSize };
}

/** What is different since the last build that was published; nothing when it is the same image. */
async function tellDifference({ inventory }: Documents, { lastPublished, emit, kept }: StageContext): Promise<void> {
  if (lastPublished === undefined) return;
  const [now, before] = [
    JSON.parse(inventory) as Inventory,
    await loadInventory(join(lastPublished.folder, inventoryFile)).catch(() => undefined),
  ];
  // One that a newer version wrote says nothing to this one.
  if (before === undefined || before.image.sha256 === now.image.sha256) return;
  const difference = diffInventories(before, now);
  await writeFile(
    kept(inBuild.difference),
    `${JSON.stringify({ since: lastPublished.build, ...difference }, null, 2)}\n`,
  );
  emit({
    type: 'difference',
    since: lastPublished.build,
    summary: differenceSummary(difference),
    file: inBuild.difference,
  });
}
