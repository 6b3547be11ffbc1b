import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import Handlebars from 'handlebars';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { unknownPaths } from '../../src/answers/paths.ts';
import { helpers } from '../../src/answers/templates.ts';
import { familyOf } from '../../src/families/index.ts';
import {
  cleanView,
  cloudView,
  guestView,
  kernelView,
  kickstartView,
  packagesView,
  requiredSecrets,
} from '../../src/families/rhel/views.ts';
import { filesOf, host, media } from '../support/plan-input.ts';
import { instanceArguments } from '../../src/families/linux/identity.ts';
import { argsOf, recipeFolder, rendered, rhelRecipe, words } from '../support/rhel.ts';

const everything = `
subscription:
  username: { env: USER_NAME }
  password: { file: /run/password }
  attach: auto
  repositories: [rhel-7-server-rpms]
proxy: { url: "http://proxy:3128", user: me, password: { env: PROXY_PASSWORD } }
repositories: [{ id: mine, baseurl: "http://mirror/rhel7" }]
packages: [cloud-init]
rootPassword: { env: ROOT_PASSWORD }
`;

test('the kickstart for UEFI has an EFI partition before the one that grows', async () => {
  const { text } = rendered(await rhelRecipe('machine: { firmware: uefi }\n'), 'ks.cfg');
  const parts = text.split('\n').filter((line) => line.startsWith('part '));
  expect(parts).toEqual(['part /boot/efi --fstype=efi --size=200', 'part / --fstype=xfs --size=1024 --grow']);
});

test('the installer boots the media itself, with the kickstart in its initrd and the serial line as its last console', async () => {
  const recipe = await rhelRecipe('machine: { firmware: uefi }\n');
  expect(words(argsOf(familyOf(recipe).install(recipe, media, host)))).toEqual([
    '--location',
    'location="</iso/rhel.iso>"',
    '--initrd-inject',
    '<ks.cfg>',
    '--extra-args',
    'inst.ks=file:/ks.cfg inst.text net.ifnames=0 biosdevname=0 console=tty0 console=ttyS0,115200n8< no_timer_check>',
    '--boot',
    'uefi,firmware.feature0.name=secure-boot,firmware.feature0.enabled=no',
    ...['--tpm', 'none'],
  ]);
});

test('osinfo names fall back release by release', async () => {
  const recipe = await rhelRecipe('', '9.1');
  const ids = familyOf(recipe).osinfo(recipe);
  expect(ids.slice(0, 4)).toEqual(['rhel9.1', 'rhel9.0', 'rhel8.10', 'rhel8.9']);
  expect(ids.at(-1)).toBe('rhel6.0');
});

test('customize: packages; sysprep: edits, cloud-init, the steps of the recipe in their order, then cleaning', async () => {
  writeFileSync(join(recipeFolder(), 'motd'), 'hello\n');
  const recipe = await rhelRecipe(`${everything}
customize:
  - run: systemctl enable chronyd
  - upload: { from: motd, to: "/etc/mo td", mode: "644", owner: root }
  - write: { path: /etc/issue, content: "a:b\\nc", mode: "0600" }
  - mkdir: /srv/x
  - link: { target: /srv/x, path: /x }
  - delete: /tmp/*
  - chmod: { path: /srv/x, mode: "1777" }
`);
  const dracut = ['--mkdir', '/etc/dracut.conf.d', '--write', '/etc/dracut.conf.d/vmkiln.conf:hostonly="no"\n'];
  const family = familyOf(recipe);
  expect(words(argsOf(family.customize(recipe, filesOf(recipe))))).toEqual([
    '--no-logfile',
    ...dracut,
    ...['--run', '<packages.sh>', '--run', '<kernel.sh>'],
  ]);
  const args = argsOf(family.sysprep(recipe, filesOf(recipe)));
  expect(words(args).slice(0, words(args).indexOf('--operations'))).toEqual([
    ...['--network', '--no-logfile', ...words(instanceArguments('systemd')), '--run', '<guest.sh>'],
    ...['--run-command', 'systemctl enable chronyd'],
    ...['--upload', `<${recipeFolder()}/motd>:/etc/mo td`, '--chmod', '0644:/etc/mo td'],
    ...['--run-command', "chown -- root '/etc/mo td'"],
    ...['--write', '/etc/issue:a:b\nc', '--chmod', '0600:/etc/issue'],
    ...['--mkdir', '/srv/x', '--link', '/srv/x:/x', '--delete', '/tmp/*', '--chmod', '01777:/srv/x'],
    ...['--root-password', 'file:<root-password>'],
  ]);
  const sha256 = createHash('sha256').update('hello\n').digest('hex');
  expect(args.flat()).toContainEqual({ file: join(recipeFolder(), 'motd'), sha256 });
});

test.each([
  ['7.9', '', 'customize', 'update-ca-trust extract'],
  ['6.10', '', 'customize', 'update-ca-trust enable && update-ca-trust extract'],
  ['7.9', 'packages: []\n', 'sysprep', 'update-ca-trust extract'],
] as const)(
  'RHEL %s trusts the CAs of the recipe before anything is fetched: %j%s',
  async (release, more, stage, command) => {
    writeFileSync(join(recipeFolder(), 'a ca.pem'), '-----BEGIN CERTIFICATE-----\n');
    const recipe = await rhelRecipe(`caCertificates: [a ca.pem]\n${more || 'packages: [tmux]\n'}`, release);
    const args = words(argsOf(familyOf(recipe)[stage](recipe, filesOf(recipe))));
    const anchor = '/etc/pki/ca-trust/source/anchors/a ca.pem';
    const expected = ['--upload', `<${recipeFolder()}/a ca.pem>:${anchor}`, '--chmod', `0644:${anchor}`];
    const from = args.indexOf('/etc/pki/ca-trust/source/anchors') + 1;
    expect(args.slice(from, from + 6)).toEqual([...expected, '--run-command', command]);
    expect(from).toBeLessThan(args.indexOf('--run'));
    const other =
      stage === 'customize'
        ? familyOf(recipe).sysprep(recipe, filesOf(recipe))
        : familyOf(recipe).customize(recipe, filesOf(recipe));
    expect(JSON.stringify(other)).not.toContain('ca-trust');
  },
);

test('sysprep: chosen operations, and at last the script that seals the image', async () => {
  const recipe = await rhelRecipe();
  const args = words(argsOf(familyOf(recipe).sysprep(recipe, filesOf(recipe))));
  const operations = args[args.indexOf('--operations') + 1]?.split(',') ?? [];
  expect(operations).toEqual(expect.arrayContaining(['customize', 'logfiles', 'pam-data']));
  for (const harmful of ['fs-uuids', 'user-account', 'ssh-userdir']) expect(operations).not.toContain(harmful);
  expect(args.slice(-2)).toEqual(['--run', '<seal.sh>']);
});

test('cloud.cfg: the user, the data sources, and no network configuration', async () => {
  const config = parse(rendered(await rhelRecipe('cloudInit: { user: admin }\n'), '99_vmkiln.cfg').text);
  expect(config).toMatchObject({
    system_info: { default_user: { name: 'admin', lock_passwd: true, sudo: ['ALL=(ALL) NOPASSWD:ALL'] } },
    disable_root: true,
    datasource_list: ['ConfigDrive', 'OpenStack', 'NoCloud', 'Ec2', 'None'],
    network: { config: 'disabled' },
    growpart: { mode: 'auto' },
  });
});

test('secrets are references everywhere, and only the password of root stays in the guest', async () => {
  const recipe = await rhelRecipe(everything);
  const files = familyOf(recipe).render(recipe);
  const holes = files.flatMap((file) =>
    file.holes.map(({ name, encoding, inGuest }) => `${file.name} ${name} ${encoding} ${inGuest}`),
  );
  expect(holes).toEqual([
    'packages.sh PROXY_PASSWORD shell false',
    'packages.sh USER_NAME shell false',
    'packages.sh /run/password shell false',
    'root-password ROOT_PASSWORD plain true',
  ]);
  expect(rendered(recipe, 'guest.sh').text).not.toContain('usermod');
  expect(requiredSecrets(recipe)).toEqual([
    { env: 'USER_NAME' },
    { file: '/run/password' },
    { env: 'PROXY_PASSWORD' },
    { env: 'ROOT_PASSWORD' },
  ]);
});

test('every name in every shipped template is in its view', async () => {
  const recipe = await rhelRecipe(everything);
  const views: Record<string, object> = {
    ...Object.fromEntries(readdirSync('kickstart').map((name) => [name, kickstartView(recipe)])),
    'cloud.cfg.hbs': cloudView(recipe),
    'guest.sh.hbs': guestView(recipe),
    'kernel.sh.hbs': kernelView(recipe),
    'packages.sh.hbs': packagesView(recipe),
    'clean-rhel.sh.hbs': cleanView(recipe),
  };
  for (const folder of ['kickstart', 'templates/rhel']) {
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.hbs') && file in views)) {
      const program = Handlebars.parse(readFileSync(join(folder, name), 'utf8'));
      expect(unknownPaths(program, views[name], helpers), name).toEqual([]);
      delete views[name];
    }
  }
  expect(views).toEqual({});
});

const oneOfEach = ['6.10', '7.9', '8.10', '9.6', '10.0'];
const lineEnds = /\r\n|[\n\r\u0085\u2028\u2029\v\f]/;
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  // Mostly letters that a value may have: these get through to the templates.
  fc.string({ unit: fc.constantFrom(...'aZ0_-./+@:', ' ', "'", '"', '$', '#', '\\', '\n', '{', ']', ',') }),
);

test('no value of a recipe breaks out of its line in the kickstart of any release', async () => {
  const lines = async (release: string, more = '') =>
    rendered(await rhelRecipe(more, release), 'ks.cfg').text.split(lineEnds).length;
  const plain = new Map<string, number>();
  for (const release of oneOfEach) plain.set(release, await lines(release));
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...oneOfEach),
      fc.constantFrom('language', 'keyboard', 'timezone'),
      anyText,
      async (release, key, value) => {
        const found = await lines(release, `${key}: ${JSON.stringify(value)}\n`).catch(invalid);
        expect([plain.get(release), undefined]).toContain(found);
      },
    ),
    {
      numRuns: 100,
      examples: [
        ['6.10', 'language', 'en_US.UTF-8\n%post'],
        ['10.0', 'timezone', 'UTC\nreboot'],
        ['9.6', 'keyboard', 'us --x'],
      ],
    },
  );
});

test('no value of a recipe leaves its key in cloud.cfg', async () => {
  const config = async (user: string, release: string) => {
    const recipe = await rhelRecipe(`cloudInit: { user: ${JSON.stringify(user)} }\n`, release);
    // cloud-init reads YAML 1.1, where more words are no texts.
    return parse(rendered(recipe, '99_vmkiln.cfg').text, { version: '1.1' }) as {
      system_info: { default_user: { name: string } };
    };
  };
  const plain = await config('admin', '9.6');
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...oneOfEach.slice(1)), anyText, async (release, user) => {
      const found = await config(user, release).catch(invalid);
      if (!found) return;
      expect(found.system_info.default_user.name).toBe(user);
      found.system_info.default_user.name = 'admin';
      expect(found).toEqual(plain);
    }),
    {
      numRuns: 100,
      examples: [
        ['9.6', 'a\nroot: x'],
        ['7.9', 'on'],
        ['8.10', 'null'],
        ['10.0', 'y'],
      ],
    },
  );
});

/** A recipe that the schema refuses has no files; any other error is one. */
function invalid(error: unknown): undefined {
  expect(error).toMatchObject({ code: 'RECIPE_INVALID' });
}

test("variables reach a kickstart of the user's own, quoted", async () => {
  writeFileSync(join(recipeFolder(), 'own.ks'), 'user --name={{sh variables.who}}\n');
  const recipe = await rhelRecipe('install: { kickstart: own.ks, variables: { who: "a b" } }\n');
  expect(rendered(recipe, 'ks.cfg').text).toBe("user --name='a b'\n");
  writeFileSync(join(recipeFolder(), 'own.ks'), '\n{{variables.whom}}\n');
  expect(() => rendered(recipe, 'ks.cfg')).toThrow(/own\.ks:2: there is no "variables\.whom"$/);
});

test('notes warn of packages that have no source, and of an image without cloud-init', async () => {
  const notes = async (more: string) => {
    const recipe = await rhelRecipe(more);
    return familyOf(recipe).notes(recipe).join('\n');
  };
  expect(await notes('packages: [cloud-init]')).toMatch(/without a subscription or repositories/);
  expect(await notes('')).toMatch(/no packages are requested/);
  expect(await notes(everything)).not.toMatch(/without a subscription|no packages/);
});
