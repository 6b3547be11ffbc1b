import { dirname } from 'node:path';
import type { Arg, RenderedFile } from '../../model.ts';
import { sharedFile } from './scripts.ts';
import { ownOperations } from './sysprep.ts';
import { chmod } from './steps.ts';

/** What starts a guest's services. */
export type Init = 'systemd' | 'upstart';

/** Makes at the first boot what clones must not share and the system itself does not make, and renames boot entries. */
const program = '/usr/libexec/vmkiln-identity';

const jobs: Readonly<Record<Init, { file: string; path: string }>> = {
  systemd: { file: 'identity.service', path: '/etc/systemd/system/vmkiln-identity.service' },
  // The init of RHEL 6 is Upstart.
  upstart: { file: 'identity.conf', path: '/etc/init/vmkiln-identity.conf' },
};

export function identityFiles(init: Init): RenderedFile[] {
  return [sharedFile('identity.sh'), sharedFile(jobs[init].file)];
}

/** The settings of cloud-init that the recipe decides. */
const cloudConfig = '/etc/cloud/cloud.cfg.d/99_vmkiln.cfg';

function instanceFiles(init: Init): string[] {
  return [program, jobs[init].path, cloudConfig];
}

/** What guest.sh ends with in every distribution: those files become root's, for uploads keep the owner that they have on the host, and traces go. */
export function sharedEdits(init: Init): string {
  return `\n${sharedFile('guest.sh', { instanceFiles: instanceFiles(init), removed: Object.values(ownOperations).flat() }).text}`;
}

/** virt-customize(1) options that put into the guest what its instances need: that program, and `99_vmkiln.cfg`. */
export function instanceArguments(init: Init): Arg[] {
  const { file, path } = jobs[init];
  const wants = '/etc/systemd/system/sysinit.target.wants';
  return [
    ...instanceFiles(init).flatMap((installed) => ['--mkdir', dirname(installed)]),
    ...['--upload', [{ rendered: 'identity.sh' }, `:${program}`] as Arg],
    ...chmod('0755', program),
    ...['--upload', [{ rendered: file }, `:${path}`] as Arg, ...chmod('0644', path)],
    ...['--upload', [{ rendered: '99_vmkiln.cfg' }, `:${cloudConfig}`] as Arg, ...chmod('0644', cloudConfig)],
    ...(init === 'systemd' ? ['--mkdir', wants, '--link', `${path}:${wants}/vmkiln-identity.service`] : []),
  ];
}
