import type { RecipeFiles } from '../../recipe/files.ts';
import { findFile, resolveSecret } from '../../recipe/paths.ts';
import type { WindowsRecipe } from './recipe.ts';
import { resolveStep } from './steps.ts';

/** Makes the paths of Windows' own keys absolute. */
export function resolvePaths(recipe: WindowsRecipe, files: RecipeFiles): WindowsRecipe {
  const { install, cloudbaseInit, productKey, administratorPassword } = recipe;
  const { folder, report } = files;
  const answerFile = install.answerFile && findFile(install.answerFile, folder, ['install', 'answerFile'], report);
  const config = cloudbaseInit.config && findFile(cloudbaseInit.config, folder, ['cloudbaseInit', 'config'], report);
  const commands = install.commands.map((command, index) => {
    if (typeof command === 'string') return command;
    return { script: findFile(command.script, folder, ['install', 'commands', index, 'script'], report) };
  });
  return {
    ...recipe,
    install: { ...install, ...(answerFile && { answerFile }), commands },
    cloudbaseInit: { ...cloudbaseInit, ...(config && { config }) },
    ...(typeof productKey === 'object' && { productKey: resolveSecret(productKey, folder) }),
    administratorPassword: resolveSecret(administratorPassword, folder),
    customize: recipe.customize.map((step, index) => resolveStep(step, ['customize', index], files)),
  };
}
