import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { VmkilnError } from '../errors.ts';
import { type FirstRecipe, firstRecipe, registrations, secretNames } from '../recipe/first.ts';
import { writeAtomic } from '../store/files.ts';
import type { CommandContext } from '../ui/ui.ts';
import { validate } from '../pipeline/validate.ts';
import { didYouMean } from '../text.ts';

/** What `vmkiln init` was told on its command line. */
export type InitOptions = {
  from?: string;
  name?: string;
  iso?: string;
  disk?: string;
  registration?: FirstRecipe['registration'];
  repository?: string;
  force?: boolean;
};

const shippedRecipes = join(import.meta.dirname, '../../recipes');
const schema = join(import.meta.dirname, '../../recipe.schema.json');

/** Names of the recipes that come with vmkiln, which a first recipe starts from. */
function shippedNames(): string[] {
  return readdirSync(shippedRecipes).flatMap((file) => (file.endsWith('.yaml') ? [file.slice(0, -5)] : []));
}

/**
 * `vmkiln init`: writes a first recipe from a shipped one. On a terminal it asks for what the options leave open; elsewhere it
 * takes the defaults.
 *
 * @throws VmkilnError USAGE for an unknown recipe or a file that is there already; RECIPE_INVALID for a value that the
 * recipe cannot have. Nothing is written then.
 */
export async function init(file: string | undefined, options: InitOptions, { signal }: CommandContext): Promise<void> {
  const answers = process.stdin.isTTY && process.stderr.isTTY ? await ask(options, signal) : options;
  const from = known(answers.from ?? 'rhel9');
  const name = answers.name ?? from;
  const path = file ?? `${name}.yaml`;
  if (existsSync(path) && !options.force) {
    throw new VmkilnError('USAGE', `${path} is already there`, { hint: 'name another file, or pass --force' });
  }
  const shipped = readFileSync(join(shippedRecipes, `${from}.yaml`), 'utf8');
  const { iso, disk, registration, repository } = answers;
  const text = firstRecipe(shipped, { name, iso, disk, registration, repository, schema });
  // Where it will lie decides what its relative paths mean: it is checked there, and does not stay if it is wrong.
  const checked = `${resolve(path)}.checked-${process.pid}.yaml`;
  await writeAtomic(checked, text, 0o644);
  try {
    const problems = (await validate([checked], {}, { signal, cwd: process.cwd() })).flatMap(
      (result) => result.problems,
    );
    if (problems.length > 0) {
      const words = problems.map((problem) =>
        problem.replaceAll(relative('.', checked), path).replaceAll(checked, path),
      );
      throw new VmkilnError('RECIPE_INVALID', words.join('\n'));
    }
    await rename(checked, path);
  } finally {
    await rm(checked, { force: true });
  }
  process.stdout.write(`${path}\n`);
  const secrets = secretNames(text);
  const [, medium] = /\$\{(iso|image)\b/.exec(text) ?? [];
  const steps = [
    ...(secrets.length > 0 ? [`set ${secrets.join(' and ')} in the environment`] : []),
    `vmkiln rehearse ${path}   to try it on practice media`,
    `vmkiln build ${path}${medium ? ` --set ${medium}=PATH` : ''}`,
  ];
  process.stderr.write(steps.map((step) => `  next: ${step}\n`).join(''));
}

function known(from: string): string {
  const names = shippedNames();
  if (names.includes(from)) return from;
  throw new VmkilnError('USAGE', `there is no recipe ${from}${didYouMean(from, names)}`, {
    hint: `--from is one of ${names.join(', ')}`,
  });
}

/** Asks for what is not given, with the default in brackets; an empty answer takes it. */
async function ask(options: InitOptions, signal: AbortSignal): Promise<InitOptions> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const question = async (text: string, usual: string, accepts: (answer: string) => boolean = () => true) => {
    for (;;) {
      const answer = (await terminal.question(`${text} [${usual}]: `, { signal })).trim() || usual;
      if (accepts(answer)) return answer;
    }
  };
  try {
    const names = shippedNames();
    const from =
      options.from ?? (await question(`Operating system: ${names.join(', ')}`, 'rhel9', (a) => names.includes(a)));
    const name = options.name ?? (await question('Name of the image', from));
    const later = 'later, with --set';
    const iso = options.iso ?? (await question('Installation DVD or ready image, path or URL', later));
    const disk = options.disk ?? (await question('Size of the disk', 'as usual for it'));
    const asked = from.startsWith('rhel') && options.registration === undefined;
    const registration = asked
      ? await question('Packages from: account (user and password), key (activation key), none', 'account', (a) =>
          registrations.some((each) => each === a),
        )
      : options.registration;
    const wantsRepository = registration === 'none' && options.repository === undefined;
    const repository = wantsRepository ? await question('URL of a repository', 'none') : options.repository;
    return {
      ...options,
      from,
      name,
      ...(iso === later ? {} : { iso }),
      ...(disk === 'as usual for it' ? {} : { disk }),
      ...(registration && { registration: registration as (typeof registrations)[number] }),
      ...(repository && repository !== 'none' && { repository }),
    };
  } finally {
    terminal.close();
  }
}
