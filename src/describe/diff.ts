import { formatBytes } from '../text.ts';
import { byText, type EtcFile, fullVersion, type Inventory, type Package } from './inventory.ts';
import { packageOrder } from './package-order.ts';

/** A value of something that changed; one that it did not have before, or has no more, is left out. */
export type Detail = { field: string; from?: string; to?: string };

/** What became of one thing. `direction` is that of a package's version. */
export type Change = {
  kind: 'added' | 'removed' | 'changed';
  name: string;
  details: Detail[];
  direction?: 'upgraded' | 'downgraded';
};

/** What of an image is compared. */
export const sections = [
  ...(['system', 'sizes', 'packages', 'services', 'users'] as const),
  ...(['kernels', 'filesystems', 'ports', 'files'] as const),
] as const;

type Section = (typeof sections)[number];

/** How two images differ, in this form: docs/formats.md. What is the same is not in it. */
export type Difference = { version: 1; changes: Record<Section, Change[]> };

/** Fields by their names. */
type Fields = Readonly<Record<string, string | undefined>>;

/** How `to` differs from `from`. Pure. */
export function diffInventories(from: Inventory, to: Inventory): Difference {
  // Of an image that was not booted nobody knows them.
  const portsKnown = from.ports !== undefined && to.ports !== undefined;
  const compare = (fields: (inventory: Inventory) => [string, Fields][]) => changesOf(fields(from), fields(to));
  return {
    version: 1,
    changes: {
      system: compare(({ system }) => [['system', system]]),
      sizes: compare(({ image }) => [
        ['image', { format: image.format, size: bytes(image.size), disk: bytes(image.virtualSize) }],
      ]),
      packages: packageChanges(from.packages, to.packages),
      services: compare(({ services }) =>
        services.map(({ name, state, targets }) => [name, { state, targets: targets.join(' ') }]),
      ),
      users: compare(({ users }) =>
        users.map(({ name, groups, uid, gid, ...rest }) => [
          name,
          { uid: String(uid), gid: String(gid), groups: groups.join(' '), ...rest },
        ]),
      ),
      kernels: compare(({ boot }) => [
        ...(boot.default === undefined ? [] : [['default entry', { is: boot.default }] as [string, Fields]]),
        ...boot.entries.map(({ kernel, options }): [string, Fields] => [kernel, { options }]),
      ]),
      filesystems: compare(({ filesystems }) =>
        filesystems.map(({ device, type, mountpoint, size, used }) => [
          device,
          { type, mountpoint, size: bytes(size), used: bytes(used) },
        ]),
      ),
      ports: compare(({ ports = [] }) =>
        portsKnown ? ports.map(({ protocol, port, process }) => [`${protocol} ${port}`, { process }]) : [],
      ),
      files: compare(({ files }) => Object.entries(files).map(([path, file]) => [path, fileFields(file)])),
    },
  };
}

/** Whether nothing differs. */
export function isSame({ changes }: Difference): boolean {
  return sections.every((section) => changes[section].length === 0);
}

function bytes(size: number | undefined): string | undefined {
  return size === undefined ? undefined : `${formatBytes(size)} (${size} bytes)`;
}

function fileFields({ mode, uid, gid, sha256, link }: EtcFile): Fields {
  return { content: sha256, link, mode, owner: `${uid}:${gid}` };
}

/** A name that comes twice, such as a kernel's with a recovery entry or an account's that hides another, gets a number. */
function numbered<T>(entries: readonly (readonly [string, T])[]): [string, T][] {
  const seen = new Map<string, number>();
  return entries.map(([name, value]) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return [count === 1 ? name : `${name} (${count})`, value];
  });
}

function changesOf(from: readonly [string, Fields][], to: readonly [string, Fields][]): Change[] {
  const [before, after] = [new Map(numbered(from)), new Map(numbered(to))];
  return [...new Set([...before.keys(), ...after.keys()])].toSorted(byText).flatMap((name): Change[] => {
    const [old, now] = [before.get(name), after.get(name)];
    const details = detailsOf(old ?? {}, now ?? {});
    if (old === undefined) return [{ kind: 'added', name, details }];
    if (now === undefined) return [{ kind: 'removed', name, details }];
    return details.length === 0 ? [] : [{ kind: 'changed', name, details }];
  });
}

function detailsOf(old: Fields, now: Fields): Detail[] {
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((field) => {
    const [from, to] = [old[field], now[field]];
    if (from === to) return [];
    return [{ field, ...(from !== undefined && { from }), ...(to !== undefined && { to }) }];
  });
}

/** Several versions of a package may be installed, as kernels are, or one more than once: then each that came or went is told of. */
function packageChanges(from: readonly Package[], to: readonly Package[]): Change[] {
  const [before, after] = [byName(from), byName(to)];
  return [...new Set([...before.keys(), ...after.keys()])].toSorted(byText).flatMap((name): Change[] => {
    const [old, now] = [before.get(name) ?? [], after.get(name) ?? []];
    const [one, other] = [old[0], now[0]];
    if (one && other && old.length === 1 && now.length === 1) return packageChange(name, one, other);
    const versions = (list: readonly Package[]) => new Map(numbered(list.map((each) => [fullVersion(each), each])));
    const [were, are] = [versions(old), versions(now)];
    const told = (kind: 'added' | 'removed', each: Package): Change => {
      return { kind, name, details: detailsOf({}, packageFields(each)) };
    };
    return [
      ...[...were].flatMap(([version, each]) => {
        const same = are.get(version);
        return same === undefined ? [told('removed', each)] : packageChange(name, each, same);
      }),
      ...[...are].flatMap(([version, each]) => (were.has(version) ? [] : [told('added', each)])),
    ];
  });
}

function packageChange(name: string, one: Package, other: Package): Change[] {
  const details = detailsOf(packageFields(one), packageFields(other));
  if (details.length === 0) return [];
  const order = packageOrder(one, other);
  const direction = order < 0 ? 'upgraded' : 'downgraded';
  return [{ kind: 'changed', name, details, ...(order !== 0 && { direction }) }];
}

/** The source of an rpm changes with every version of it. */
function packageFields(each: Package): Fields {
  return { version: fullVersion(each), vendor: each.vendor, license: each.license };
}

function byName(packages: readonly Package[]): Map<string, Package[]> {
  const named = new Map<string, Package[]>();
  for (const each of packages) {
    const name = each.arch === undefined ? each.name : `${each.name}.${each.arch}`;
    const list = named.get(name);
    if (list) list.push(each);
    else named.set(name, [each]);
  }
  return named;
}
