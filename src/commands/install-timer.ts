import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf, VmkilnError } from '../errors.ts';
import { loadFactory } from '../factory/load.ts';
import { unitMark, unitsOf } from '../factory/units.ts';
import { readVariables } from '../recipe/variables.ts';
import { writeAtomic } from '../store/files.ts';
import { harmless } from '../text.ts';
import type { CommandContext } from '../ui/ui.ts';

/**
 * `vmkiln factory install-timer`: writes the units of a factory, and says how they are started.
 *
 * @throws VmkilnError FACTORY_INVALID, USAGE when there is no schedule, or a unit that somebody else wrote, or the folder cannot be written.
 */
export async function installTimer(
  file: string,
  options: { set: string[]; vars?: string; to?: string; user?: string; env?: string; print?: boolean },
  { world }: CommandContext,
): Promise<void> {
  const { factory, path } = await loadFactory(file, await readVariables(options), world.cwd);
  if (factory.schedule === undefined) {
    throw new VmkilnError('USAGE', `${file} has no schedule, so that there is nothing for a timer to go by`, {
      hint: "add one, such as schedule: { cron: '0 2 * * *', timezone: Europe/Berlin }",
    });
  }
  const script = process.argv[1] ?? '';
  const vars = options.vars === undefined ? [] : ['--vars', resolve(world.cwd, options.vars)];
  const home = world.env['VMKILN_HOME'];
  const units = unitsOf({
    ...{ name: factory.name, schedule: factory.schedule, file: path, user: options.user },
    command: [process.execPath, resolve(world.cwd, script)],
    words: [...options.set.flatMap((setting) => ['--set', setting]), ...vars],
    envFile: options.env === undefined ? undefined : resolve(world.cwd, options.env),
    home: home === undefined || home === '' ? undefined : resolve(world.cwd, home),
  });
  if (options.print) {
    const text = Object.entries(units).map(([name, unit]) => `# ${name}\n${unit}`);
    process.stdout.write(text.join('\n'));
    return;
  }
  const folder = resolve(world.cwd, options.to ?? '/etc/systemd/system');
  for (const name of Object.keys(units)) await checkOurs(join(folder, name));
  for (const [name, unit] of Object.entries(units)) {
    await writeAtomic(join(folder, name), unit).catch((cause: unknown) => {
      if (cause instanceof VmkilnError) throw cause;
      throw new VmkilnError('USAGE', `the units cannot be written: ${messageOf(cause)}`, {
        hint: 'run it as root, or name another folder with --to, or see them with --print',
        cause,
      });
    });
    process.stdout.write(`${harmless(join(folder, name))}\n`);
  }
  const timer = `vmkiln-${factory.name}.timer`;
  process.stderr.write(`  next: systemctl daemon-reload && systemctl enable --now ${timer}\n`);
}

/** @throws VmkilnError USAGE */
async function checkOurs(path: string): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => unitMark);
  if (text.startsWith(unitMark)) return;
  throw new VmkilnError('USAGE', `${path} is there, and vmkiln has not written it`, {
    hint: 'move it away, or give the factory another `name`',
  });
}
