/** What begins like the documents of other tools, each by what a person calls it. */
const documents: readonly (readonly [form: RegExp, name: string])[] = [
  [
    /^\s*(packer|source|variable|resource|provider|build|locals|module|terraform)\b[^:\n]*\{\s*$/m,
    'HCL, as of Packer and Terraform',
  ],
  [/^\s*</, 'XML'],
  [/^Vagrant\.configure\b/m, 'a Vagrantfile'],
  [/^FROM\s+\S+\s*$/m, 'a Dockerfile'],
  [/^\[+[\w."-]+\]+\s*$|^\w[\w-]* = /m, 'TOML, as of a blueprint'],
  [/^-\s+(hosts|import_playbook):/m, 'a playbook of Ansible'],
  [/^#!\s*\//, 'a script'],
];

/** A kickstart by commands that nearly all have, at the beginning of a line. */
const kickstart = /^(zerombr|clearpart|autopart|rootpw|bootloader|%packages)(\s[^:=\n]*)?$/m;

/** What a text that is no recipe is instead, and what to do with it; undefined when that is not clear. */
export function foreignDocument(text: string): string | undefined {
  const yaml = 'and a recipe is YAML: vmkiln init writes a first one';
  const found = documents.find(([form]) => form.test(text));
  if (found) return `it is ${found[1]}, ${yaml}`;
  if (kickstart.test(text)) return 'it is a kickstart, which a recipe names: install: { kickstart: FILE }';
  return undefined;
}
