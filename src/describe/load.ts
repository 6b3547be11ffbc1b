import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, VmkilnError } from '../errors.ts';
import type { Inventory } from './inventory.ts';

const text = z.string();
const number = z.number();

/** The form of an inventory. What else is in a file is passed over: a newer version may have written it. */
const form = z.object({
  version: z.literal(1),
  image: z.object({ format: text, size: number, virtualSize: number.optional(), sha256: text }),
  system: z.object({
    type: text,
    distro: text.optional(),
    version: text.optional(),
    product: text.optional(),
    arch: text.optional(),
  }),
  packages: z.array(
    z.object({
      type: z.enum(['rpm', 'deb', 'windows']),
      name: text,
      epoch: number.optional(),
      version: text,
      release: text.optional(),
      arch: text.optional(),
      source: text.optional(),
      license: text.optional(),
      vendor: text.optional(),
    }),
  ),
  services: z.array(z.object({ name: text, state: z.enum(['enabled', 'masked']), targets: z.array(text) })),
  users: z.array(
    z.object({
      name: text,
      uid: number.nullable(),
      gid: number.nullable(),
      comment: text,
      home: text,
      shell: text,
      groups: z.array(text),
      password: z.enum(['locked', 'set', 'none']),
    }),
  ),
  boot: z.object({ default: text.optional(), entries: z.array(z.object({ kernel: text, options: text })) }),
  filesystems: z.array(
    z.object({
      device: text,
      type: text,
      mountpoint: text.optional(),
      size: number.optional(),
      used: number.optional(),
    }),
  ),
  files: z.record(
    text,
    z.object({ mode: text, uid: number, gid: number, sha256: text.optional(), link: text.optional() }),
  ),
  repositories: z.array(z.object({ name: text, sha256: text })).optional(),
  ports: z.array(z.object({ protocol: text, port: number, process: text.optional() })).optional(),
});

/**
 * An inventory as `vmkiln describe --format json` prints it, and as it lies beside an image.
 *
 * @throws VmkilnError USAGE when the file is none, or one of a newer version.
 */
export async function loadInventory(path: string): Promise<Inventory> {
  const refuse = (why: string, cause?: unknown) => {
    const hint = '`vmkiln describe IMAGE --format json` writes one';
    return new VmkilnError('USAGE', `${path} is no inventory of an image: ${why}`, { hint, cause });
  };
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    throw refuse(messageOf(cause), cause);
  }
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined;
  if (version !== 1) throw refuse(`its version is ${JSON.stringify(version)}, not 1`);
  const read = form.safeParse(value);
  if (read.success) return read.data as Inventory;
  const [issue] = read.error.issues;
  throw refuse(`${issue?.path.join('.') || 'it'} is missing, or of another form`);
}
