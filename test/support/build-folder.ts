import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EventBody } from '../../src/model.ts';
import { foldManifest } from '../../src/pipeline/events.ts';

/** An event, and the second of the build at which it happens. */
export type At = readonly [second: number, event: EventBody];

/** Writes the folder of a build as it lies in the state of `home`. `start` is ISO 8601; `files` are texts by their paths. */
export function writeBuild(
  home: string,
  build: string,
  {
    start,
    events,
    files = {},
  }: { start: string; events: readonly At[]; files?: Readonly<Record<string, string | Buffer>> },
): string {
  const folder = join(home, 'state/builds', build);
  const stamped = events.map(([second, event]) => {
    return { at: new Date(Date.parse(start) + second * 1000).toISOString(), build, ...event };
  });
  const all = {
    'events.ndjson': stamped.map((event) => `${JSON.stringify(event)}\n`).join(''),
    'manifest.json': JSON.stringify(foldManifest(stamped)),
    ...files,
  };
  for (const [name, content] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

/** What the events of a build say from its start to the end of its installation, which takes a minute. */
export function installedEvents(name: string, recipe = `/r/${name}.yaml`): At[] {
  const stage = 'install';
  const log = 'logs/01-install-virt-install.log';
  return [
    [0, { type: 'build-started', name, recipe, rehearsal: false, folder: '', family: 'rhel', accelerator: 'kvm' }],
    [5, { type: 'stage-started', stage, because: '`packages` changed' }],
    [5, { type: 'command-started', stage, argv: ['virt-install', '--name', `vm of ${name}`], log, control: false }],
    [6, { type: 'command-started', stage, argv: ['virsh', 'domstats'], log: 'l', control: true }],
    [7, { type: 'command-finished', stage, program: 'virsh', exitCode: 0, seconds: 1 }],
    [20, { type: 'progress', stage, message: 'partitioning', fraction: 0.25 }],
    [50, { type: 'progress', stage, message: 'installing packages', fraction: 0.75 }],
    [65, { type: 'command-finished', stage, program: 'virt-install', exitCode: 0, seconds: 60 }],
    [65, { type: 'stage-finished', stage, seconds: 60, bytes: 2 ** 20 }],
  ];
}

/** How a build ends that has published its image, `seconds` after its start. */
export function publishedEvents(seconds: number, size: number, location = '/srv/images/a.qcow2'): At[] {
  const sha256 = size.toString(16).padStart(64, '0');
  return [
    [seconds, { type: 'published', target: 'directory', location, sha256, size, unchanged: false }],
    [seconds, { type: 'build-finished', seconds }],
  ];
}
