import { byText, type EtcFile, type Service } from './inventory.ts';

/**
 * What starts with the system: units that others want, require or uphold by links (systemd.unit(5), "[Install]"), those masked by a link
 * to /dev/null, and scripts of System V that a run level starts.
 */
export function servicesOf(files: Readonly<Record<string, EtcFile>>): Service[] {
  const services = new Map<string, Service>();
  const add = (name: string, state: Service['state'], target?: string) => {
    const service = services.get(`${state} ${name}`) ?? { name, state, targets: [] };
    services.set(`${state} ${name}`, service);
    if (target !== undefined && !service.targets.includes(target)) service.targets.push(target);
  };
  for (const [path, { link }] of Object.entries(files)) {
    if (link === undefined) continue;
    const [, target, unit] = /^\/etc\/systemd\/system\/([^/]+)\.(?:wants|requires|upholds)\/([^/]+)$/.exec(path) ?? [];
    if (target !== undefined && unit !== undefined) add(unit, 'enabled', target);
    const masked = /^\/etc\/systemd\/system\/([^/]+)$/.exec(path)?.[1];
    if (masked !== undefined && link === '/dev/null') add(masked, 'masked');
    const [, level, script] = /^\/etc\/(?:rc\.d\/)?(rc[\dS])\.d\/S\d\d([^/]+)$/.exec(path) ?? [];
    if (level !== undefined && script !== undefined) add(script, 'enabled', level);
  }
  // What has become a unit of systemd has kept its script's links.
  const isUnit = ({ name }: Service) => services.has(`enabled ${name}.service`);
  return [...services.values()]
    .filter((service) => !isUnit(service))
    .map((service) => ({ ...service, targets: service.targets.toSorted(byText) }))
    .toSorted((a, b) => byText(`${a.name} ${a.state}`, `${b.name} ${b.state}`));
}
