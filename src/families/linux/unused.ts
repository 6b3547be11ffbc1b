import type { RecipeFiles } from '../../recipe/files.ts';

/** Reports a key that a recipe has, and why nothing would come of it. */
export type SayUnused = (path: readonly PropertyKey[], why: string) => void;

export function unusedSayer({ given, report }: Pick<RecipeFiles, 'given' | 'report'>): SayUnused {
  return (path, why) => {
    if (given(path)) report(path, `${why}: leave ${path.map(String).join('.')} out`);
  };
}

/** Reports what is for fetching packages alone, where none are fetched, and the password of nobody. */
export function reportUnusedFetching(
  { proxy, repositories }: { proxy?: { user?: string | undefined } | undefined; repositories: readonly unknown[] },
  isFetching: boolean,
  say: SayUnused,
): void {
  if (proxy?.user === undefined) say(['proxy', 'password'], 'a password goes with proxy.user, which is missing');
  if (isFetching) return;
  const idle = 'nothing is registered, updated or installed';
  say(['proxy'], idle);
  say(['mirror'], idle);
  if (repositories.length > 0) say(['repositories'], idle);
}
