import { VmkilnError } from '../../errors.ts';
import type { GlanceSpec } from './recipe.ts';

export type Method = Exclude<GlanceSpec['method'], 'auto'>;

/** What decides how an image gets into a cloud. */
type Choice = {
  cloud: string;
  wanted: GlanceSpec['method'];
  /** The import methods of the cloud. */
  offered: readonly string[];
  /** The stores of the cloud; none when it has a single one. */
  known: readonly string[];
  stores: readonly string[];
  hasLocation: boolean;
  signed: boolean;
};

/**
 * Chooses the method. `auto` takes the direct upload, which needs nothing of the cloud and keeps the bytes as they are;
 * an import for several stores, which the direct upload cannot reach in one step; and for a location whatever fetches it.
 *
 * @throws VmkilnError TARGET_FAILED when the cloud does not offer what is asked for.
 */
export function chooseMethod({ cloud, wanted, offered, known, stores, hasLocation, signed }: Choice): Method {
  const unknown = stores.filter((store) => !known.includes(store));
  if (unknown.length > 0) {
    throw refused(
      `${cloud} has no store ${unknown.join(', ')}`,
      known.length > 0 ? `it has ${known.join(', ')}` : 'it has a single store without a name',
    );
  }
  const method = wanted === 'auto' ? automatic(offered, stores, hasLocation) : wanted;
  const isFetch = method === 'web-download' || method === 'task';
  if (isFetch && !hasLocation) throw refused(`the method ${method} needs the URL of the image`, 'give a location');
  if (!isFetch && hasLocation) throw refused(`the method ${method} takes no location`, 'use web-download or task');
  if (method !== 'put' && method !== 'task' && !offered.includes(method)) {
    const hint = `it offers ${offered.join(', ') || 'none'}; its operator sets enabled_import_methods`;
    throw refused(`${cloud} does not offer the import method ${method}`, hint);
  }
  if (signed && method !== 'put') {
    throw refused(
      `a signed image goes by the direct upload, not by ${method}: a cloud that converts imported images makes every signature wrong`,
      'use method: put, or do not sign',
    );
  }
  return method;
}

function automatic(offered: readonly string[], stores: readonly string[], hasLocation: boolean): Method {
  if (hasLocation) return offered.includes('web-download') ? 'web-download' : 'task';
  return stores.length > 1 && offered.includes('glance-direct') ? 'glance-direct' : 'put';
}

function refused(message: string, hint: string): VmkilnError {
  return new VmkilnError('TARGET_FAILED', message, { hint });
}
