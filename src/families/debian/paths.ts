import { resolveSecret } from '../../recipe/paths.ts';
import type { RecipeFiles } from '../../recipe/files.ts';
import { resolveStep, stepFiles } from '../linux/steps.ts';
import { findCertificates } from '../linux/trust.ts';
import { reportUnusedFetching, unusedSayer } from '../linux/unused.ts';
import { findUpload } from '../uploads.ts';
import type { DebianRecipe } from './recipe.ts';
import { debianRelease } from './releases.ts';
import { managesPackages } from './views.ts';

/** Makes the paths of Debian's own keys absolute. */
export function resolvePaths(recipe: DebianRecipe, files: RecipeFiles): DebianRecipe {
  const { proxy, rootPassword, caCertificates, customize, repositories } = recipe;
  const { folder } = files;
  const say = unusedSayer(files);
  reportUnusedFetching(recipe, managesPackages(recipe), say);
  if (debianRelease(recipe).securitySuite === undefined) {
    say(['mirror', 'security'], `${recipe.distribution} has its security updates in the archive itself`);
  }
  return {
    ...recipe,
    ...(rootPassword && { rootPassword: resolveSecret(rootPassword, folder) }),
    ...(proxy && { proxy: { ...proxy, ...(proxy.password && { password: resolveSecret(proxy.password, folder) }) } }),
    repositories: repositories.map(({ key, ...repository }, index) => ({
      ...repository,
      ...(key && { key: findUpload(key, ['repositories', index, 'key'], files) }),
    })),
    caCertificates: findCertificates(caCertificates, 'caCertificates', files),
    customize: customize.map((step, index) => resolveStep(step, ['customize', index], files)),
  };
}

/** The files of the user's that the commands read. */
export function filesOf({ repositories, caCertificates, customize }: DebianRecipe): string[] {
  const keys = repositories.flatMap(({ key }) => key ?? []);
  return [...caCertificates, ...keys, ...customize.flatMap(stepFiles)];
}
