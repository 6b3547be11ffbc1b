import type { Arg, RenderedFile } from '../../model.ts';
import { identities } from './identities.ts';
import type { Init } from './identity.ts';
import { oneScript, sharedFile } from './scripts.ts';

/**
 * The last script: it refuses an image in which cloud-init would not run, removes what clones must not share and the traces of
 * the build, and trims. `own` removes those of the distribution; `metadata` says that cloud-init configures the network.
 */
export function sealScript({ init, metadata }: { init: Init; metadata: boolean }, own: RenderedFile): RenderedFile {
  const paths = identities.flatMap((identity) => identity.paths);
  return oneScript('seal.sh', [
    sharedFile('check.sh', { metadata }),
    sharedFile('clean.sh', { identities: paths, systemd: init === 'systemd' }),
    own,
    sharedFile('trim.sh'),
  ]);
}

/** Runs it after virt-sysprep's own operations and the steps of the recipe. */
export const sealArguments: readonly Arg[] = ['--run', { rendered: 'seal.sh' }];
