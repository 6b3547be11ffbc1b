import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Writes a recipe, with `more` at its end, whose installation is the same for all that are written here and brings cloud-init,
 * and returns its path: the first of them installs, the others find that.
 */
export function recipeOfOneInstallation(folder: string, name: string, more = ''): string {
  const kickstart = readFileSync('kickstart/rhel7.ks.hbs', 'utf8').replace('@core', '@core\ncloud-init');
  writeFileSync(join(folder, `${name}.ks.hbs`), kickstart);
  const path = join(folder, `${name}.yaml`);
  const lines = [
    `name: ${name}`,
    'family: rhel',
    'release: "7.9"',
    'source: { iso: x.iso }',
    'disk: { size: 3G }',
    'verify: false',
    'describe: false',
    `install: { kickstart: ${name}.ks.hbs }`,
  ];
  writeFileSync(path, `${lines.join('\n')}\n${more}`);
  return path;
}
