import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { contentDigest, practiceDigests, practiceDvd, releaseFolder } from '../../src/rehearsal/practice-dvd.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'rehearsal-'));
const assets = path.resolve(import.meta.dirname, '../../src/rehearsal/rhel');

type Read = {
  error?: string;
  commands: { name: string; options: Record<string, unknown>; class: string }[];
  packages: Record<string, unknown>;
};

/** Reads kickstarts with the installer's own parser, in one process. */
function read(kickstarts: string[], release = '7.9'): Read[] {
  const files = kickstarts.map((text, index) => {
    const file = path.join(folder, `${index}.ks`);
    writeFileSync(file, text);
    return file;
  });
  const parser = path.join(assets, 'installer/kickstart.py');
  const out = execFileSync('python3', ['-B', parser, path.join(releaseFolder(release), 'commands'), ...files], {
    encoding: 'utf8',
  });
  return out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Read);
}

const problem = (line: number, message: string): string =>
  `The following problem occurred on line ${line} of the kickstart file:\n\n${message}\n`;

const accepted = `install
lang en_US.UTF-8
keyboard us
timezone Etc/UTC --isUtc
rootpw --lock
network --bootproto=dhcp --device=eth0 --onboot=on
clearpart --all --initlabel
part / --fstype=xfs --size=2000 --grow
bootloader --append="console=tty0 console=ttyS0"
firewall --enabled --service=ssh
poweroff
%packages --ignoremissing
@core
@^minimal
-iwl*
cloud-init # why
%end
%post --erroronfail --log=/root/post.log
echo %done
%end
`;

const refused: [string, string, number, string][] = [
  ['an unknown command', '# c\n\nfoo --bar\n', 3, 'Unknown command: foo'],
  ['a command that RHEL 6 had', 'interactive\n', 1, 'Unknown command: interactive'],
  ['an unknown option', 'lang en_US\npart / --sizee=3\n', 2, 'no such option: --sizee'],
  ['an option without its value', 'part / --size\n', 1, '--size option requires an argument'],
  ['text for a number', 'part / --size=big\n', 1, "option --size: invalid integer value: 'big'"],
  ['a missing required option', 'user --password=x\n', 1, 'Option --name is required'],
  ['an argument too many', 'zerombr yes\n', 1, 'Kickstart command zerombr does not take any arguments'],
  ['rootpw without a password', 'rootpw --plaintext\n', 1, 'A single argument is expected for the rootpw command'],
  [
    'part with autopart',
    'autopart\npart / --size=1\n',
    2,
    "The part/partition and autopart commands can't be used at the same time",
  ],
  ['part without a mount point', 'part --size=1\n', 1, 'Mount point required for partition'],
  ['a missing %end', 'text\n%packages\n@core\n%post\n%end\n', 4, 'Section %packages does not end with %end.'],
  ['a missing %end at the end', '%post\necho\n', 2, 'Section %post does not end with %end.'],
  ['an unknown section', '%foo\n%end\n', 1, 'Unknown kickstart section: %foo'],
];

describe('the practice installer reads kickstarts as RHEL 7 does', () => {
  it('accepts what RHEL 7 accepts', () => {
    const [value] = read([accepted]);
    expect(value?.commands.find((one) => one.name === 'part')?.options).toEqual({
      fstype: 'xfs',
      size: 2000,
      grow: true,
    });
    expect(value?.commands.find((one) => one.name === 'firewall')?.class).toBe('notes');
    expect(value?.packages).toMatchObject({
      add: ['cloud-init'],
      remove: ['iwl*'],
      groups: ['core'],
      environment: 'minimal',
    });
  });

  it('refuses what RHEL 7 refuses, in its words and with the line', () => {
    const parsed = read(refused.map(([, kickstart]) => kickstart));
    const found = Object.fromEntries(refused.map(([what], index) => [what, parsed[index]?.error]));
    expect(found).toEqual(Object.fromEntries(refused.map(([what, , line, message]) => [what, problem(line, message)])));
  });

  it('never takes a misspelt command for a known one', () => {
    const table = readFileSync(path.join(releaseFolder('7'), 'commands'), 'utf8');
    const known = new Set(Array.from(table.matchAll(/^\{"name":"(\w+)"/gm), ([, name]) => name));
    const names = fc.sample(fc.stringMatching(/^[a-z]{3,12}$/), 200).filter((name) => !known.has(name));
    const errors = read(names.map((name) => `text\n${name} x\n`)).map((one) => one.error);
    expect(errors).toEqual(names.map((name) => problem(2, `Unknown command: ${name}`)));
  });
});

const shipped = (release: string) => readFileSync(`test/unit/golden/rhel${release}/ks.cfg`, 'utf8');

describe('each release reads kickstarts in its own way', () => {
  it.each(['6', '7', '8', '9', '10'])(
    'RHEL %s accepts the kickstart that is shipped for it, and acts on its parts',
    (release) => {
      const [value] = read([shipped(release)], release);
      expect(value?.error).toBeUndefined();
      const acted = value?.commands.filter((one) => one.class === 'acts').map((one) => one.name);
      expect(acted).toEqual(expect.arrayContaining(['part', 'bootloader', 'rootpw', 'network', 'poweroff']));
    },
  );

  it('refuses the kickstarts of other releases where these differ', () => {
    const refusals = (release: string, of: string[]) => read(of.map(shipped), release).map((one) => one.error);
    expect(refusals('6', ['7', '8'])).toEqual([
      problem(6, 'Unknown command: eula'),
      problem(5, 'Unknown command: eula'),
    ]);
    expect(refusals('9', ['7', '6'])).toEqual([
      problem(2, 'install has been removed.'),
      problem(2, 'install has been removed.'),
    ]);
  });

  it.each([
    ['6', 'rootpw --lock\n', 'A single argument is expected for the rootpw command'],
    ['6', 'keyboard --vckeymap=us\n', 'no such option: --vckeymap'],
    ['6', 'reqpart\n', 'Unknown command: reqpart'],
    ['8', 'part / --sizee=3\n', 'unrecognized arguments: --sizee'],
    ['8', 'part / --size\n', 'argument --size: expected one argument'],
    ['9', 'part / --size=big\n', "argument --size: invalid int value: 'big'"],
    ['10', 'timezone UTC --isUtc\n', 'unrecognized arguments: --isUtc'],
    ['9', 'user --password=x\n', 'the following arguments are required: --name'],
  ])('RHEL %s: %j', (release, kickstart, message) => {
    expect(read([kickstart], release)[0]?.error).toBe(problem(1, message));
  });

  it('RHEL 6 only warns of a section without %end', () => {
    const kickstart = '%packages\n@core\n%post\necho\n';
    expect(read([kickstart], '6')[0]?.packages).toMatchObject({ groups: ['core'] });
    expect(read([kickstart], '8')[0]?.error).toBe(problem(3, 'Section %packages does not end with %end.'));
  });
});

describe('the practice DVD', () => {
  it('is named by content: bytes, names and modes, not places', async () => {
    const [one, two] = [mkdtempSync(path.join(folder, 'a-')), mkdtempSync(path.join(folder, 'b-'))];
    for (const at of [one, two]) writeFileSync(path.join(at, 'x.sh'), 'echo\n', { mode: 0o644 });
    const digest = (at: string) => contentDigest(at, [path.join(at, 'x.sh')], ['7']);
    expect(await digest(one)).toBe(await digest(two));
    chmodSync(path.join(two, 'x.sh'), 0o755);
    expect(await digest(one)).not.toBe(await digest(two));
    expect(await contentDigest(one, [path.join(one, 'x.sh')], ['8'])).not.toBe(await digest(one));
  });

  it('is one per major release, and says which there are', async () => {
    expect(releaseFolder('7.9')).toBe(releaseFolder('7'));
    await expect(practiceDigests('5.11')).rejects.toMatchObject({
      code: 'MEDIA_MISSING',
      hint: expect.stringContaining('7'),
    });
  });

  it('builds the payload once and the ISO anew, in a folder that is gone afterwards', async () => {
    const cacheDir = mkdtempSync(path.join(folder, 'cache-'));
    const started: string[] = [];
    const run = async ({ program, args }: { program: string; args: string[] }) => {
      started.push(path.basename(program) + (program.endsWith('media.sh') ? ` ${args[0]}` : ''));
      if (args[0] === 'iso') writeFileSync(path.join(args[3] ?? '', 'practice.iso'), 'iso');
      return { stdout: '' };
    };
    const options = {
      cacheDir,
      workDir: folder,
      run,
      world: { env: {}, cwd: '/' },
      signal: new AbortController().signal,
    };
    const made = await practiceDvd('7.9', options);
    expect(started).toEqual(['payload.sh', 'media.sh packages', 'media.sh boot', 'media.sh iso']);
    expect(await practiceDvd('7.9', options)).toEqual(made);
    rmSync(made.path);
    await practiceDvd('7.9', options);
    expect(started.slice(4)).toEqual(['media.sh packages', 'media.sh boot', 'media.sh iso']);
    expect(execFileSync('ls', [folder], { encoding: 'utf8' })).not.toContain('practice-');
  });

  it.each(['6.10', '7.9', '8.10', '9.6', '10.0'])(
    'of RHEL %s says in .treeinfo what virt-install looks for',
    (release) => {
      const text = readFileSync(path.join(releaseFolder(release), 'treeinfo'), 'utf8');
      expect(text).toMatch(/^family = Red Hat Enterprise Linux$/m);
      expect(text.split('\n')).toContain(`version = ${release}`);
      expect(text).toMatch(/^arch = x86_64$/m);
      expect(text).toMatch(/^kernel = images\/pxeboot\/vmlinuz$/m);
    },
  );
});
