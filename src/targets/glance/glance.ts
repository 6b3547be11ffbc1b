import { findFile, resolveSecret } from '../../recipe/paths.ts';
import type { Target } from '../target.ts';
import { type GlancePlace, glanceSchema, type GlanceSpec, isCertificateId } from './recipe.ts';

/**
 * Publishes to the Image service of OpenStack. What does the work is imported when it is wanted: whoever reads a recipe has
 * no use for it.
 */
export const glance: Target<GlanceSpec, GlancePlace> = {
  schema: glanceSchema,
  isLocal: () => false,
  resolve: (spec, folder, report) => {
    if (!spec.sign) return spec;
    const { key, certificate, passphrase } = spec.sign;
    const sign = {
      ...spec.sign,
      key: findFile(key, folder, ['sign', 'key'], report),
      certificate: isCertificateId(certificate)
        ? certificate
        : findFile(certificate, folder, ['sign', 'certificate'], report),
      ...(passphrase && { passphrase: resolveSecret(passphrase, folder) }),
    };
    return { ...spec, sign };
  },
  places: ({ cloud, ...spec }) => {
    if (cloud === undefined) return [spec];
    return [cloud].flat().map((each) => ({ ...spec, cloud: each }));
  },
  nameOf: ({ cloud }) => cloud ?? 'the cloud',
  diskFormatOf: ({ format }) => format,
  check: async (...args) => (await import('./publish.ts')).check(...args),
  changes: async (...args) => (await import('./publish.ts')).changes(...args),
  publish: async (...args) => (await import('./publish.ts')).publish(...args),
  channels: async (...args) => (await import('./channels.ts')).cloudChannels(...args),
  // A source looks in the project of its login.
  channelPlace: ({ cloud, owner }, { env }) => (owner === undefined ? (cloud ?? env['OS_CLOUD']) : undefined),
};
