import { parse, stringify } from 'yaml';
import { nearest } from '../text.ts';
import { alternatives, isSecret, type Schema } from './schema.ts';
import { cronPattern, durationPattern, parseDuration, parseSize, sizePattern } from './units.ts';

/** Words of others for the values of enumerations. */
const synonyms: Readonly<Record<string, string>> = {
  efi: 'uefi',
  ovmf: 'uefi',
  legacy: 'bios',
  seabios: 'bios',
  ide: 'sata',
  'virtio-blk': 'virtio',
  'virtio-scsi': 'scsi',
  ignore: 'warn',
  continue: 'warn',
  abort: 'fail',
  gzip: 'zlib',
  gz: 'zlib',
  zstandard: 'zstd',
  zst: 'zstd',
  img: 'raw',
  qcow: 'qcow2',
  true: 'all',
  yes: 'all',
  latest: 'all',
  false: 'none',
  no: 'none',
};

/** A wrong value, and what may stand in its place. */
export type Wrong = {
  value: unknown;
  /** As it is written, for a scalar: `8.10`, which is 8.1 as a number. */
  source: string | undefined;
  schemas: readonly Schema[];
  /** Whether the error repeats the value. Any other may be a secret, and is not repeated by the remedy either. */
  isShown: boolean;
  /** Whether something would do in its place. */
  fits: (candidate: unknown) => boolean;
};

/**
 * What to write instead of a wrong value: the first guess that would do. It is a slip of form that has one, quotes or a unit that
 * are missing, a value where a map or list of it is wanted; what is meant by anything else nobody knows. Of a secret there is none.
 */
export function remedyOf(wrong: Wrong): string | undefined {
  const { value, schemas, fits, isShown } = wrong;
  if (value === null || value === undefined || schemas.some(isSecret) || isEmpty(value)) return undefined;
  const spelling = spellings(wrong).find((each) => each !== undefined && each !== value && fits(each));
  const found = spelling ?? onlyKey(wrong, schemas, fits) ?? listOf(wrong);
  if (found === undefined) return undefined;
  const isPlainData = typeof value === 'number' || typeof value === 'boolean';
  const isSafe = isShown || isPlainData || schemas.some((schema) => schema.enum?.includes(found));
  const text = flow(isSafe ? found : withoutTexts(found));
  return text === hidden ? undefined : text;
}

/** What stands for a text that is not repeated. */
const hidden = '…';

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}

/** A value with its own texts left out. */
function withoutTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTexts);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, withoutTexts(each)]));
  return typeof value === 'string' && parseSize(value) === undefined && parseDuration(value) === undefined
    ? hidden
    : value;
}

/** The same in another form, none of which is a map or a list of it. */
function spellings({ value, source, schemas }: Wrong): unknown[] {
  if (Array.isArray(value)) return value.length === 1 ? [value[0]] : [];
  if (typeof value === 'object') return value !== null && 'name' in value ? [value.name] : [];
  return [...scalars(value, source ?? String(value), schemas)];
}

/** What stands for a value that is the user's own. It has the form of an id. */
const placeholder = 'NAME';

/** Which values are likeliest of a key in a map that has several. */
const likely: Readonly<Record<string, RegExp>> = {
  iso: /\.iso$/i,
  image: /\.(qcow2?|img)$/i,
  directory: /^\.{0,2}\//,
  run: /\s/,
  cloud: /./,
};

/** What values of some keys alone are like: anything else would do there, and is not meant. */
const formsOfValues: Readonly<Record<string, RegExp>> = { kickstart: /[./]/, answerFile: /[./]/ };

/** A map of the one key that the value would do for: as it is, or else in another form. */
function onlyKey(wrong: Wrong, schemas: readonly Schema[], fits: Wrong['fits']): unknown {
  const { value } = wrong;
  if (typeof value === 'object') return undefined;
  const keys = schemas.flatMap(({ properties = {}, required = [] }) =>
    Object.entries(properties).flatMap(([key, schema]) => {
      if (isSecret(schema) || (required.length === 1 && required[0] !== key)) return [];
      if (formsOfValues[key]?.test(String(value)) === false) return [];
      const others = Object.fromEntries(required.filter((other) => other !== key).map((other) => [other, placeholder]));
      return [{ key, schema, whole: (each: unknown) => ({ ...others, [key]: each }) }];
    }),
  );
  const named = keys.filter(({ key }) => likely[key]?.test(String(value)));
  const ways: ((key: (typeof keys)[number]) => unknown)[] = [
    ({ whole }) => (fits(whole(value)) ? whole(value) : undefined),
    ({ schema, whole }) =>
      spellings({ ...wrong, schemas: [schema] })
        .filter((each) => each !== undefined)
        .map(whole)
        .find(fits),
    // A path may be that of a map which has nothing but it.
    ({ schema, whole }) => {
      const inner = /\//.test(String(value)) ? onlyKey(wrong, [schema], (each) => fits(whole(each))) : undefined;
      return inner === undefined ? undefined : whole(inner);
    },
  ];
  for (const way of ways) {
    const [found, ...others] = (named.length > 0 ? named : keys).flatMap((key) => way(key) ?? []);
    if (found !== undefined) return others.length === 0 ? found : undefined;
  }
  return undefined;
}

/** A list of the value, where one is wanted. */
function listOf(wrong: Wrong): unknown {
  const { value, schemas, fits } = wrong;
  const items = schemas.flatMap((schema) => schema.items ?? []).flatMap(alternatives);
  if (items.length === 0) return undefined;
  const words =
    typeof value === 'string' && /[\s,]/.test(value) ? value.split(/[\s,]+/).filter((word) => word !== '') : [];
  const lines =
    typeof value === 'string' && /\n/.test(value) ? value.split('\n').filter((line) => line.trim() !== '') : [];
  const entries = [value, ...spellings({ ...wrong, schemas: items })].filter((each) => each !== undefined);
  const entry = () => onlyKey(wrong, items, (each) => fits([each]));
  const whole = entries.map((each) => [each]);
  // A text with commas is a list; one with spaces may be a single command.
  const split = words.length > 0 ? [words] : [];
  const isList = typeof value === 'string' && value.includes(',');
  const lists = [
    ...(lines.length > 0 ? [lines] : []),
    ...(isList ? [...split, ...whole] : [...whole.slice(0, 1), ...split, ...whole.slice(1)]),
  ];
  const inner = lists.find(fits) ?? entry();
  return inner === undefined || Array.isArray(inner) ? inner : [inner];
}

/** Other spellings of a scalar. */
function* scalars(value: unknown, source: string, schemas: readonly Schema[]): Generator<unknown> {
  if (typeof value !== 'string') yield source;
  yield* switches(source);
  const forms = schemas.flatMap(({ pattern }) => pattern ?? []);
  const allowed = schemas
    .flatMap(({ enum: values, const: only }) => values ?? (only === undefined ? [] : [only]))
    .map(String);
  if (forms.includes(sizePattern.source)) yield* sizes(source);
  if (forms.includes(durationPattern.source))
    yield* durations(
      source,
      schemas.some(({ patternErrorMessage: words = '' }) => / like \d+d$/.test(words)) ? 'd' : 'm',
    );
  if (forms.includes(cronPattern.source)) yield cronOf(source);
  yield allowed.find((each) => each.toLowerCase() === source.toLowerCase());
  yield synonyms[source.toLowerCase()];
  // A year or a number that is nearly another one is another one.
  if (typeof value === 'string' && !allowed.every((each) => /^[\d.]+$/.test(each))) yield nearest(source, allowed);
  if (forms.some((form) => form.startsWith('^[A-Za-z_][A-Za-z0-9_]*'))) yield source.replace(/^\$\{?(\w+)\}?$/, '$1');
  if (forms.some((form) => form.startsWith('^\\/')) && !/^[~$]/.test(source))
    yield source.includes('\\') ? source.replace(/^[A-Za-z]:/, '').replaceAll(/\\+/g, '/') : `/${source}`;
  if (forms.some((form) => form.startsWith('^http') || form.startsWith('^(http')))
    yield source.includes('://') || source.startsWith('/') ? undefined : `http://${source}`;
  if (/^[a-z]+_[A-Z]+$/.test(source)) yield `${source}.UTF-8`;
  const [, octal] = /^0o([0-7]+)$/.exec(source) ?? [];
  if (octal !== undefined) yield `0${octal}`;
  const numbers = source.match(/\d+(\.\d+)?/g) ?? [];
  // `RHEL 9.4` and `server2022` are releases with a word before them.
  const isRelease = allowed.length > 0 || forms.some((form) => form.startsWith('^[0-9]+'));
  if (typeof value === 'string' && numbers.length === 1 && isRelease) yield numbers[0];
  if (forms.some((form) => form.startsWith('^[A-Za-z0-9_][A-Za-z0-9._-]{0,')))
    yield source.replaceAll(/[^A-Za-z0-9]+/g, '-').replaceAll(/^-|-$/g, '');
}

function* switches(text: string): Generator<unknown> {
  if (/^(yes|on|y|true|enabled?|1)$/i.test(text)) yield true;
  if (/^(no|off|n|false|disabled?|0)$/i.test(text)) yield false;
  const [, number] = /^(\d+) ?(GB?|GiB|v?cpus?|cores?)?$/i.exec(text) ?? [];
  if (number !== undefined) yield Number(number);
}

/**
 * A number alone is MiB where it is large, as virt-install(1) and Packer count memory, and Packer disks; a small one is GiB, as
 * virt-install counts disks; one of at least a million is bytes, as blueprints of Image Builder count both.
 */
function* sizes(text: string): Generator<string> {
  const [, number, unit] = /^(\d+(?:\.\d+)?)\s*(?:([kmgt])i?b?)?$/i.exec(text) ?? [];
  if (number === undefined) return;
  if (unit !== undefined) yield `${number}${unit.toUpperCase()}`;
  else if (Number(number) < 256) yield `${number}G`;
  else if (Number(number) >= 1024 ** 2 && Number(number) % 1024 ** 2 === 0)
    yield* sizes(String(Number(number) / 1024 ** 2));
  else yield Number(number) % 1024 === 0 ? `${Number(number) / 1024}G` : `${number}M`;
}

/** A number alone is of the usual unit; from 300 on, when it makes whole minutes, it is the seconds of other tools. */
function* durations(text: string, usual: 'd' | 'm'): Generator<string> {
  if (usual === 'm' && /^\d+$/.test(text) && Number(text) >= 300 && Number(text) % 60 === 0)
    yield `${Number(text) / 60}m`;
  const [, months] = /^(\d+)\s*mon/i.exec(text) ?? [];
  if (months !== undefined) yield `${Number(months) * 30}d`;
  const [, number = '', unit = usual] = /^(\d+)\s*(s|m|h|d|w)?[a-z]*$/i.exec(text) ?? [];
  if (number !== '') yield unit.toLowerCase() === 'w' ? `${Number(number) * 7}d` : `${number}${unit.toLowerCase()}`;
  const [, hours, minutes] = /^(\d+)\s*h\s*(\d+)\s*m$/i.exec(text) ?? [];
  if (hours !== undefined) yield `${Number(hours) * 60 + Number(minutes)}m`;
}

/** A time of day, or one of the names of crontab(5), in five fields. */
function cronOf(text: string): string | undefined {
  const [, hour, minute] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  if (hour !== undefined) return `${Number(minute)} ${Number(hour)} * * *`;
  const named = {
    hourly: '0 * * * *',
    daily: '0 2 * * *',
    nightly: '0 2 * * *',
    weekly: '0 2 * * 0',
    monthly: '0 2 1 * *',
  };
  return named[text.replace('@', '').toLowerCase() as keyof typeof named];
}

/** A value as it is written on one line. */
function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    return `{ ${Object.entries(value)
      .map(([key, each]) => `${key}: ${flow(each)}`)
      .join(', ')} }`;
  }
  if (typeof value !== 'string') return (stringify(value) ?? 'null').trim();
  if (value === placeholder) return hidden;
  return isPlain(value) ? value : JSON.stringify(value);
}

/** Whether a text stands for itself without quotes, within brackets too. */
function isPlain(text: string): boolean {
  try {
    return text === hidden || (!/[{}[\],#\n]/.test(text) && parse(`[${text}]`)?.[0] === text);
  } catch {
    return false;
  }
}
