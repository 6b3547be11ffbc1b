import { error, type Kickstart, type Remark } from './syntax.ts';

/**
 * Lines of `%packages` that name no package: the whole line is the name of one (pykickstart, parser.py, `Packages.add`), so that
 * the installer misses it, or leaves nothing out. A version may follow a name, as dnf has it.
 */
export function packageRemarks({ sections }: Pick<Kickstart, 'sections'>): Remark[] {
  return sections
    .filter(({ name }) => name === '%packages')
    .flatMap(({ body }) => body)
    .flatMap(({ line, text }) => {
      const entry = text.replace(/#.*/, '').trim();
      if (/^-\s+\S/.test(entry))
        return [error(line, `"${entry}" leaves nothing out: write ${entry.replace(/\s+/, '')}`)];
      const isOne = /^-?@/.test(entry) || !/[\s,]/.test(entry) || /^\S+\s+[<>=]+\s/.test(entry);
      return isOne || /[{}$%]/.test(entry) ? [] : [error(line, `"${entry}" is no package: each has a line of its own`)];
    });
}
