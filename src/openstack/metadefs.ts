import { ServiceError } from './http.ts';
import { readJson, type CloudSession } from './keystone.ts';
import { didYouMean } from '../text.ts';

/** What a cloud knows of one image property (Metadata Definitions API). */
export type Definition = { type: string; enum?: readonly string[]; minimum?: number; maximum?: number };

type Namespace = {
  namespace: string;
  resource_type_associations?: readonly { name: string; prefix?: string }[];
  properties?: Readonly<Record<string, Definition>>;
};

const imageType = 'OS::Glance::Image';

/** The properties of images that the cloud's metadata catalogue defines; empty when it has none or does not show it. */
export async function readDefinitions(
  session: CloudSession,
  { signal }: { signal: AbortSignal },
): Promise<Map<string, Definition>> {
  const get = async <T>(path: string) =>
    readJson<T>(await session.ask('image', path, { method: 'GET', attempts: 3, signal }));
  try {
    const query = new URLSearchParams({ resource_types: imageType, limit: '200' });
    const { namespaces } = await get<{ namespaces: Namespace[] }>(`/v2/metadefs/namespaces?${query}`);
    const found = new Map<string, Definition>();
    const queue = namespaces.values();
    const worker = async () => {
      for (const { namespace } of queue) {
        const full = await get<Namespace>(`/v2/metadefs/namespaces/${encodeURIComponent(namespace)}`);
        for (const [name, definition] of definitionsOf(full)) {
          const other = found.get(name);
          found.set(name, other ? either(other, definition) : definition);
        }
      }
    };
    await Promise.all(Array.from({ length: 6 }, worker));
    return found;
  } catch (error) {
    if (error instanceof ServiceError && [403, 404].includes(error.status)) return new Map();
    throw error;
  }
}

function definitionsOf({ resource_type_associations: types, properties }: Namespace): [string, Definition][] {
  const prefix = types?.find(({ name }) => name === imageType)?.prefix ?? '';
  return Object.entries(properties ?? {}).map(([name, definition]) => [`${prefix}${name}`, definition]);
}

/** Several hypervisors define one name, each with its own values (`hw_vif_model`): whatever one of them takes is right. */
function either(one: Definition, other: Definition): Definition {
  if (one.type !== other.type) return { type: 'string' };
  const [values, more] = [one.enum, other.enum];
  const least = Math.min(one.minimum ?? -Infinity, other.minimum ?? -Infinity);
  const most = Math.max(one.maximum ?? Infinity, other.maximum ?? Infinity);
  return {
    type: one.type,
    minimum: least,
    maximum: most,
    ...(values && more && { enum: [...new Set([...values, ...more])] }),
  };
}

/** Values that Compute takes and older catalogues do not list. */
const known: Readonly<Record<string, readonly string[]>> = {
  hw_vif_model: ['igb', 'lan9118'],
  hw_video_model: ['virtio', 'gop', 'none', 'bochs'],
  hw_firmware_type: ['bios', 'uefi'],
};

/**
 * What is wrong with properties as the catalogue defines them: values that it does not allow. The service itself does
 * not look. Names that are not defined are allowed, and told when they look like a slip.
 */
export function checkProperties(
  properties: Readonly<Record<string, string>>,
  definitions: ReadonlyMap<string, Definition>,
): { wrong: string[]; doubtful: string[] } {
  const wrong: string[] = [];
  const doubtful: string[] = [];
  for (const [name, value] of Object.entries(properties)) {
    const definition = definitions.get(name);
    if (definition) {
      const problem = valueProblem(value, definition, known[name] ?? []);
      if (problem !== undefined) wrong.push(`${name}=${value}: ${problem}`);
      continue;
    }
    const near = didYouMean(name, definitions.keys());
    if (near !== '' && !isOurs(name)) doubtful.push(`the cloud does not define the property ${name}${near}`);
  }
  return { wrong, doubtful };
}

/** Properties that the service or vmkiln gives a meaning to without a definition. */
function isOurs(name: string): boolean {
  return /^(vmkiln_|img_signature|os_(name|type|distro|version|admin_user|hidden)$|description$|kernel_id$|ramdisk_id$|architecture$)/.test(
    name,
  );
}

function valueProblem(value: string, definition: Definition, more: readonly string[]): string | undefined {
  const { type, minimum, maximum } = definition;
  if (type === 'boolean' && !/^(true|false|yes|no|on|off|1|0)$/i.test(value)) return 'expected true or false';
  if (type === 'integer' || type === 'number') {
    const number = Number(value);
    if (value.trim() === '' || !Number.isFinite(number) || (type === 'integer' && !Number.isInteger(number))) {
      return `expected ${type === 'integer' ? 'a whole number' : 'a number'}`;
    }
    if (minimum !== undefined && number < minimum) return `expected at least ${minimum}`;
    if (maximum !== undefined && number > maximum) return `expected at most ${maximum}`;
  }
  if (definition.enum && !definition.enum.includes(value) && !more.includes(value)) {
    return `expected ${[...definition.enum, ...more].join(', ')}`;
  }
  return undefined;
}
