import { VmkilnError } from '../errors.ts';
import { glance } from '../targets/glance/glance.ts';
import type { GlanceSpec } from '../targets/glance/recipe.ts';
import { isFolder } from '../recipe/media.ts';
import type { UploadEntry } from '../recipe/recipe.ts';
import { type FieldOptions, propertiesFrom, protectionOf, visibilityOf } from './image-fields.ts';

/** Options of `vmkiln upload` that say where an image goes and what is said of it there. */
export type TargetOptions = FieldOptions & {
  to?: string[];
  osCloud?: string;
  name?: string;
  id?: string;
  description?: string;
  diskFormat?: string;
  method?: string;
  import?: boolean;
  store?: string[];
  importTimeout?: number;
  hidden?: boolean;
  project?: string;
  projectDomain?: string;
  signKeyPath?: string;
  signCertId?: string;
  signHash?: string;
  signPassphraseEnv?: string;
  replace?: boolean;
  keep?: number;
};

/**
 * The targets as a recipe would have them: one check for both.
 *
 * @param location the URL of the image, when it is none of this host.
 * @throws VmkilnError USAGE
 */
export function targetsOf(location: string | undefined, options: TargetOptions): UploadEntry[] {
  const folders = (options.to ?? []).filter(isFolder);
  if (location !== undefined && folders.length > 0)
    throw new VmkilnError('USAGE', 'a URL goes to clouds, not to a folder', { hint: 'download it first' });
  const directories = folders.map((path) => ({ directory: { path } }));
  const clouds = cloudsOf(options);
  return clouds.length === 0 ? directories : [...directories, { glance: glanceOf(location, clouds, options) }];
}

/** The clouds among the targets; undefined is that of the environment, which no target at all means, as in other commands. */
export function cloudsOf({ to = [], osCloud }: TargetOptions): (string | undefined)[] {
  const named = to.filter((each) => !isFolder(each));
  if (osCloud !== undefined) named.push(osCloud);
  return to.length === 0 && osCloud === undefined ? [undefined] : named;
}

function glanceOf(location: string | undefined, clouds: (string | undefined)[], options: TargetOptions): GlanceSpec {
  checkTogether(options);
  const { keep, importTimeout } = options;
  const given = {
    cloud: clouds[0] === undefined ? undefined : clouds,
    name: options.name,
    id: options.id,
    description: options.description,
    location,
    format: options.diskFormat,
    minDisk: options.minDisk,
    minRam: options.minRam,
    visibility: visibilityOf(options),
    protected: protectionOf(options),
    hidden: options.hidden,
    tags: options.tag,
    stores: options.store,
    owner: options.project,
    ownerDomain: options.projectDomain,
    properties: propertiesFrom(options),
    method: options.import ? 'glance-direct' : options.method,
    sign: signOf(options),
    replace: options.replace ? (keep === undefined ? true : { keep }) : false,
  };
  const said = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const parsed = glance.schema.safeParse(said);
  // A duration is in seconds already.
  if (parsed.success) return { ...parsed.data, ...(importTimeout !== undefined && { importTimeout }) };
  const problems = parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
  throw new VmkilnError('USAGE', problems.join('\n'), { hint: 'vmkiln upload --help' });
}

function signOf({ signKeyPath, signCertId, signHash, signPassphraseEnv }: TargetOptions): object | undefined {
  if (signKeyPath === undefined) return undefined;
  return {
    key: signKeyPath,
    certificate: signCertId,
    ...(signHash && { hash: signHash }),
    ...(signPassphraseEnv && { passphrase: { env: signPassphraseEnv } }),
  };
}

/** @throws VmkilnError USAGE for options that need or exclude one another */
function checkTogether({ signKeyPath, signCertId, keep, replace, import: imports, method }: TargetOptions): void {
  if ((signKeyPath === undefined) !== (signCertId === undefined)) {
    throw new VmkilnError('USAGE', 'signing needs both --sign-key-path and --sign-cert-id', {
      hint: 'give both, or none',
    });
  }
  if (keep !== undefined && !replace)
    throw new VmkilnError('USAGE', '--keep needs --replace', { hint: 'add --replace' });
  if (imports && method !== undefined && method !== 'glance-direct') {
    throw new VmkilnError('USAGE', `--import and --method ${method} cannot be used together`, {
      hint: 'give one of them',
    });
  }
}
