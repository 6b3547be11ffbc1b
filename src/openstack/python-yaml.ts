import { LineCounter, parseDocument, type ScalarTag, type YAMLError } from 'yaml';

/** What a YAML or JSON file holds: maps, lists, text, booleans and null. A number is the text that Python writes for it. */
export type Tree = Readonly<Record<string, unknown>>;

/** Plain words of what a parser found. Its own quote the source, and with it passwords. */
const words: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'this key is already set above',
  MULTIPLE_DOCS: 'a second document begins here',
  TAB_AS_INDENT: 'a tab indents this line; YAML wants spaces',
  TAG_RESOLVE_FAILED: 'the tag of this value is unknown here',
  MISSING_CHAR: 'a quote, bracket or colon is missing',
  BAD_INDENT: 'this line is indented in another way than those beside it',
};

/**
 * Reads YAML as PyYAML's `safe_load` does, or JSON as Python's `json` does, and turns numbers into the text that
 * openstacksdk makes of them (`openstack/config/_util.py`, `normalize_keys`): `08`, `1234e5` are no numbers there and
 * stay as they are, `1.0` stays `1.0`, `010` is `8`. Dates keep their text.
 *
 * @throws Error whose message has line and column, and nothing of the content.
 */
export function parsePython(text: string, form: 'yaml' | 'json'): unknown {
  const lineCounter = new LineCounter();
  const tags = form === 'yaml' ? [nothing, bool, int, float] : [nothing, bool, jsonInt, jsonFloat];
  const document = parseDocument(text, {
    ...{ version: '1.1', schema: 'failsafe', merge: form === 'yaml', customTags: tags, stringKeys: true },
    ...{ lineCounter, prettyErrors: false, logLevel: 'silent' },
  });
  const [first]: (YAMLError | undefined)[] = [...document.errors, ...document.warnings];
  if (first) {
    const { line, col } = lineCounter.linePos(first.pos[0]);
    throw new Error(`${line}:${col}: ${words[first.code] ?? 'this is not YAML'}`);
  }
  try {
    return document.toJS();
  } catch {
    throw new Error('1:1: it has too many aliases, or one within itself');
  }
}

function tag(name: string, test: RegExp, resolve: (text: string) => unknown): ScalarTag {
  return { tag: `tag:yaml.org,2002:${name}`, default: true, test, resolve };
}

// The patterns of PyYAML's resolver.py.
const nothing = tag('null', /^(?:~|null|Null|NULL|)$/, () => null);
const bool = tag('bool', /^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$/, (text) =>
  /^(?:yes|true|on)$/i.test(text),
);
const int = tag(
  'int',
  /^[-+]?(?:0b[01_]+|0[0-7_]+|0|[1-9][0-9_]*|0x[0-9a-fA-F_]+|[1-9][0-9_]*(?::[0-5]?[0-9])+)$/,
  (text) => {
    const [sign, digits] = signed(text);
    return String(sign * (digits.includes(':') ? base60(digits.split(':').map(BigInt)) : BigInt(octal(digits))));
  },
);
const float = tag(
  'float',
  /^(?:[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$/,
  (text) => {
    const [sign, digits] = signed(text.toLowerCase());
    if (digits === '.inf') return sign < 0 ? '-inf' : 'inf';
    if (digits === '.nan') return 'nan';
    return repr(Number(sign) * digits.split(':').reduce((sum, part) => sum * 60 + Number(part), 0));
  },
);

const jsonInt = tag('int', /^-?(?:0|[1-9]\d*)$/, (text) => String(BigInt(text)));
const jsonFloat = tag('float', /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/, (text) => repr(Number(text)));

function signed(text: string): [bigint, string] {
  return [text.startsWith('-') ? -1n : 1n, text.replace(/^[-+]/, '').replaceAll('_', '')];
}

function octal(digits: string): string {
  return /^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits;
}

function base60(parts: readonly bigint[]): bigint {
  return parts.reduce((sum, part) => sum * 60n + part, 0n);
}

/** A number as Python's `repr` writes it: the same digits as here, with an exponent below 1e-4 and from 1e16 on. */
function repr(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) return value < 0 ? '-inf' : 'inf';
  if (size !== 0 && (size < 1e-4 || size >= 1e16)) {
    return value.toExponential().replace(/e([-+])(\d)$/, 'e$10$2');
  }
  const text = Object.is(value, -0) ? '-0' : String(value);
  return text.includes('.') ? text : `${text}.0`;
}
