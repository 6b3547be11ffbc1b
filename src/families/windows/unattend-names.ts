import { show } from '../../recipe/values.ts';
import type { Report } from './unattend-disk.ts';
import type { Element } from './unattend.ts';

/** The namespace of answer files. */
export const namespace = 'urn:schemas-microsoft-com:unattend';
/** That of the attributes `action` and `keyValue`, whose prefix is `wcm` in every published file. */
const wcm = 'http://schemas.microsoft.com/WMIConfig/2002/State';

/**
 * Prefixes that nobody declares, for which a parser refuses the file ("Namespaces in XML 1.0"), and namespaces that are
 * not those of answer files, so that what is in them means nothing to Setup.
 */
export function checkNamespaces(root: Element, report: Report): void {
  const told = new Set<string>();
  const visit = (element: Element, outer: ReadonlySet<string>) => {
    const { attributes, name, children } = element;
    const bound = new Set(outer);
    for (const key of Object.keys(attributes)) if (key.startsWith('xmlns:')) bound.add(key.slice('xmlns:'.length));
    const used = [name, ...Object.keys(attributes)].map((each) => /^([^:]+):/.exec(each)?.[1]);
    for (const prefix of used) {
      if (prefix === undefined || prefix === 'xmlns' || bound.has(prefix) || told.has(prefix)) continue;
      told.add(prefix);
      const wanted = prefix === 'wcm' ? wcm : '…';
      report(element, `the prefix ${prefix} is not declared: xmlns:${prefix}="${wanted}" is missing`);
    }
    const own = attributes['xmlns:wcm'];
    if (own !== undefined && own !== wcm) report(element, `expected xmlns:wcm="${wcm}", got ${show(own)}`);
    // Of the root this is said elsewhere; generators keep things in namespaces of their own beside the passes.
    const other = element !== root && attributes['xmlns'] !== undefined && attributes['xmlns'] !== namespace;
    if (other && name === 'component')
      report(
        element,
        `expected xmlns="${namespace}", got ${show(attributes['xmlns'])}: Setup passes over the component`,
      );
    if (!other) for (const child of children) visit(child, bound);
  };
  visit(root, new Set(['xml']));
}
