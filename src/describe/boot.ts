import { byText, type Boot } from './inventory.ts';

/**
 * The kernels that the boot loader knows, from the files of /boot by their paths in it: entries of the Boot Loader Specification,
 * or else GRUB 2's menu, or that of GRUB Legacy.
 */
export function bootOf(files: ReadonlyMap<string, string>): Boot {
  const environment = readEnvironment(files);
  const entries = [specified(files, environment), menu(files), legacy(files)].find((list) => list.length > 0) ?? [];
  const known = new Set<string>();
  const once = entries.filter(({ kernel, options }) => {
    const isNew = !known.has(`${kernel} ${options}`);
    known.add(`${kernel} ${options}`);
    return isNew;
  });
  const saved = environment.get('saved_entry');
  return { ...(saved && { default: saved }), entries: once };
}

type Entry = Boot['entries'][number];

/** GRUB's environment block: `name=value` lines. */
function readEnvironment(files: ReadonlyMap<string, string>): Map<string, string> {
  const blocks = [...files].filter(([path]) => /(^|\/)grubenv$/.test(path)).map(([, text]) => text);
  return new Map(
    blocks.flatMap((block) => [...block.matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value])),
  );
}

function specified(files: ReadonlyMap<string, string>, environment: ReadonlyMap<string, string>): Entry[] {
  return [...files]
    .filter(([path]) => /^loader\/entries\/[^/]+\.conf$/.test(path))
    .toSorted(([a], [b]) => byText(a, b))
    .flatMap(([, text]) => {
      const kernel = /^linux\s+(\S+)/m.exec(text)?.[1];
      const options = [...text.matchAll(/^options\s+(.*)$/gm)].map(([, words = '']) => words).join(' ');
      const whole = options.replace(/\$(\w+)/g, (all, name: string) => environment.get(name) ?? all);
      return kernel === undefined ? [] : [{ kernel, options: oneSpace(whole) }];
    });
}

function menu(files: ReadonlyMap<string, string>): Entry[] {
  return lines(files, /(^|\/)grub\.cfg$/, /^\s*linux(?:16|efi)?\s+(\S+)[ \t]*(.*)$/gm);
}

function legacy(files: ReadonlyMap<string, string>): Entry[] {
  return lines(files, /^grub\/(grub\.conf|menu\.lst)$/, /^\s*kernel\s+(\S+)[ \t]*(.*)$/gm);
}

function lines(files: ReadonlyMap<string, string>, path: RegExp, line: RegExp): Entry[] {
  return [...files]
    .filter(([name]) => path.test(name))
    .toSorted(([a], [b]) => byText(a, b))
    .flatMap(([, text]) =>
      [...text.matchAll(line)].map(([, kernel = '', options = '']) => ({ kernel, options: oneSpace(options) })),
    );
}

function oneSpace(text: string): string {
  return text.trim().split(/\s+/).join(' ');
}
