import { parse } from 'yaml';
import { z } from 'zod';
import { type CheckResult, type Expectation, resultOf } from './expectation.ts';
import { type Facts, lines, word } from './facts.ts';

/** Free bytes that a root file system needs to boot at all: logs, keys and leases are written before it grows. */
const leastFree = 32 * 1024 ** 2;

const form = z.object({ system_info: z.object({ default_user: z.object({ name: z.string() }) }) });

/** The commands of guestfish(1) that tell what is in an image before it boots: a first boot replaces most of it. */
export function questions({ traces, kept }: Pick<Expectation, 'traces' | 'kept'>): string[][] {
  const glob = (pattern: string) => ['glob-expand', pattern];
  const sections: Readonly<Record<string, readonly string[][]>> = {
    'machine-id': [['cat', '/etc/machine-id']],
    traces: traces.map(glob),
    kept: kept.flatMap((pattern) => [glob(pattern), glob(`${pattern}/*`)]),
    disabled: [glob('/etc/cloud/cloud-init.disabled')],
    config: [['cat', '/etc/cloud/cloud.cfg']],
    space: [['statvfs', '/']],
    end: [],
  };
  return Object.entries(sections).flatMap(([name, commands]) => [['echo', `@@ ${name}`], ...commands]);
}

/** What is wrong with an image that has not been booted. */
export function judgeSealed(facts: Facts): CheckResult[] {
  const id = word(facts, 'machine-id');
  const kept = new Set(lines(facts, 'kept'));
  const traces = lines(facts, 'traces').filter((path) => !kept.has(path));
  const more = traces.length > 5 ? `, and ${traces.length - 5} more` : '';
  const [disabled] = lines(facts, 'disabled');
  const space = new Map(lines(facts, 'space').map((line) => line.split(': ') as [string, string]));
  const free = Number(space.get('bavail')) * Number(space.get('frsize'));
  return [
    resultOf('machine-id', id === '' || id === 'uninitialized' ? undefined : 'clones would share its /etc/machine-id'),
    resultOf('leftovers', traces.length === 0 ? undefined : `it holds ${traces.slice(0, 5).join(', ')}${more}`),
    resultOf('cloud-init', disabled === undefined ? undefined : `${disabled} turns cloud-init off`),
    resultOf(
      'space',
      free < leastFree ? `its root file system is full: ${Math.round(free / 1024)} KiB are free` : undefined,
    ),
  ];
}

/** The user that cloud-init makes: `system_info.default_user` of /etc/cloud/cloud.cfg. */
export function defaultUser(facts: Facts): string | undefined {
  const config: unknown = parse(lines(facts, 'config').join('\n'), { logLevel: 'silent' });
  return form.safeParse(config).data?.system_info.default_user.name;
}
