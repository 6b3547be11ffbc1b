import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { World } from '../model.ts';

/**
 * The configuration files that are there, the stronger last: that of the host, and that of the user, below XDG_CONFIG_HOME (XDG
 * Base Directory Specification). VMKILN_CONFIG names one in place of both.
 */
export function configFiles({ env, cwd }: World): string[] {
  const named = env['VMKILN_CONFIG'];
  if (named) return [resolve(cwd, named)];
  const xdg = env['XDG_CONFIG_HOME'];
  const own = xdg !== undefined && isAbsolute(xdg) ? xdg : join(env['HOME'] || homedir(), '.config');
  return ['/etc/vmkiln/config.yaml', join(own, 'vmkiln/config.yaml')].filter((file) => existsSync(file));
}
