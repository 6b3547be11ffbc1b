import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The .treeinfo of a DVD of RHEL 7, with other values if need be. */
export function treeInfo({ family = 'Red Hat Enterprise Linux', version = '7.9', arch = 'x86_64' } = {}): string {
  return `[general]\nname = ${family}-${version}\nfamily = ${family}\nvariant = Server\nversion = ${version}\narch = ${arch}\n`;
}

const program = 'xorriso';

/** Writes an ISO of these files. */
export function writeIso(path: string, files: Readonly<Record<string, string>> = { '.treeinfo': treeInfo() }): void {
  const tree = mkdtempSync(join(tmpdir(), 'vmkiln-tree-'));
  mkdirSync(join(tree, 'images'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(tree, name), text);
  execFileSync(program, ['-as', 'mkisofs', '-quiet', '-J', '-R', '-o', path, tree], { stdio: 'ignore' });
}
