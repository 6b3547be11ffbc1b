import { holeText, makeHole } from '../../answers/holes.ts';
import type { View } from '../../answers/templates.ts';
import type { RenderedFile, SecretRef } from '../../model.ts';

/** A nightly build installs new updates, and the builds of one day share them. Seconds. */
export const usualMaxAge = 20 * 3600;

/**
 * What a script needs to go through a proxy. Every text is empty without one. The port is said always: curl would take 1080
 * for one of HTTP, and subscription-manager 3128.
 */
export function proxyView(
  proxy: { url: string; user?: string | undefined; password?: SecretRef | undefined } | undefined,
): View {
  const { url = '', user = '', password = '' } = proxy ?? {};
  const [, scheme = '', named = ''] = /^(https?:\/\/)([^/]+)/.exec(url) ?? [];
  const host = named === '' || /:\d+$/.test(named) ? named : `${named}:${scheme === 'https://' ? 443 : 80}`;
  return { url, scheme, host, user, password };
}

/** Without quotes, cloud-init's YAML 1.1 makes something else of these. */
export function yamlWord(name: string): string {
  return /^(null|true|false|yes|no|on|off|y|n)$/.test(name) ? `"${name}"` : name;
}

/** The whole file is the password: `--root-password file:` reads its first line. */
export function rootPassword(secret: SecretRef): RenderedFile {
  const hole = makeHole(secret, 'plain', true);
  return { name: 'root-password', text: holeText(hole.name), holes: [hole] };
}

/** Properties of the Image service for a guest with drivers for virtio. */
export function virtioProperties(user: string, packages: readonly string[]): Record<string, string> {
  // Without the agent in it, an instance that must be quiesced cannot be snapshot.
  const agent = packages.includes('qemu-guest-agent');
  return {
    os_admin_user: user,
    hw_disk_bus: 'virtio',
    hw_vif_model: 'virtio',
    ...(agent && { hw_qemu_guest_agent: 'yes', os_require_quiesce: 'yes' }),
  };
}
