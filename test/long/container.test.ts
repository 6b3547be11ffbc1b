import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bareDebian, canEnter } from '../support/bare-debian.ts';
import { freshFolder } from '../support/vmkiln.ts';

// The image of the Containerfile, built as it stands by buildah in a chroot. Its base images are a bare Debian, to which for the first
// stage Node.js of this machine is added: no registry is asked. So the .deb is installed with all that it depends on.

const folder = freshFolder('container');
const storage = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run')];
const canBuild = canEnter && existsSync('/usr/bin/buildah');

/**
 * Runs buildah with mounts and processes of its own, which end with it. The packages that it installs give /dev/kvm to a group by the number that it has in
 * the image: that must not be the host's.
 */
function run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  const hidden = join(folder, 'kvm');
  writeFileSync(hidden, '');
  const script = '[ ! -e /dev/kvm ] || mount --bind "$0" /dev/kvm; exec buildah "$@"';
  const inside = ['sh', '-ec', script, hidden, ...storage, ...words];
  const own = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc', ...inside];
  const env = { ...process.env, BUILDAH_ISOLATION: 'chroot' };
  const { status, stdout, stderr } = spawnSync('unshare', own, { encoding: 'utf8', env, maxBuffer: 64 * 1024 ** 2 });
  return { status, stdout, stderr };
}

/** What buildah prints when it does not fail. */
function buildah(...words: string[]): string {
  const { status, stdout, stderr } = run(...words);
  if (status !== 0) throw new Error(`buildah ${words.join(' ')}: ${stderr.slice(-4000)}`);
  return stdout;
}

/** The file that says what an image is made of, in a folder of its own. */
function makeBase(image: string, lines: readonly string[]): void {
  writeFileSync(join(folder, 'Base'), lines.join('\n'));
  buildah('build', '--pull-never', '-t', image, '-f', join(folder, 'Base'), folder);
}

beforeAll(() => {
  if (!canBuild) return;
  copyFileSync(bareDebian(), join(folder, 'debian.tar'));
  makeBase('docker.io/library/debian:bookworm-slim', ['FROM scratch', 'ADD debian.tar /']);
  const node = realpathSync(process.execPath);
  const licence = [join(dirname(node), '../LICENSE'), '/usr/share/doc/nodejs/LICENSE'].find((file) => existsSync(file));
  copyFileSync(node, join(folder, 'node'));
  copyFileSync(licence ?? '', join(folder, 'LICENSE'));
  const npm = dirname(dirname(realpathSync(execFileSync('which', ['npm'], { encoding: 'utf8' }).trim())));
  cpSync(npm, join(folder, 'npm'), { recursive: true });
  // How this machine reaches the registry: settings of npm, and whom it trusts.
  const settings = ['userconfig', 'globalconfig'].map((key) => {
    const path = execFileSync('npm', ['config', 'get', key], { encoding: 'utf8' }).trim();
    return existsSync(path) ? readFileSync(path, 'utf8').replace(/^(cafile|nodedir|prefix)=.*$/gm, '') : '';
  });
  writeFileSync(join(folder, 'npmrc'), settings.join('\n'));
  const trusted = process.env['NODE_EXTRA_CA_CERTS'] ?? '/etc/ssl/certs/ca-certificates.crt';
  copyFileSync(trusted, join(folder, 'trusted.crt'));
  makeBase('docker.io/library/node:24-bookworm', [
    'FROM docker.io/library/debian:bookworm-slim',
    'COPY node /usr/local/bin/',
    'COPY LICENSE /usr/local/',
    'COPY npm /usr/local/lib/node_modules/npm',
    'COPY npmrc /root/.npmrc',
    'COPY trusted.crt /etc/',
    'RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm',
    'ENV NODE_EXTRA_CA_CERTS=/etc/trusted.crt NPM_CONFIG_CAFILE=/etc/trusted.crt',
  ]);
}, 1_200_000);
afterAll(() => rmSync(folder, { recursive: true, maxRetries: 5 }));

test.skipIf(!canBuild)('the image builds, and vmkiln plans a build in it as an ordinary user', () => {
  buildah('build', '--pull-never', '--network', 'host', '-t', 'vmkiln', resolve('.'));
  const container = buildah('from', '--pull-never', 'vmkiln').trim();
  // In a container of its own tini is the first process; here it has to ask for orphans (-s).
  // buildah may lose what is printed in the last moment, hence the pause.
  const inside = (line: string) =>
    run('run', container, '--', 'tini', '-s', '--', 'sh', '-c', `${line}; status=$?; sleep 1; exit $status`);
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(inside('vmkiln --version')).toMatchObject({ status: 0, stdout: `${version}\n` });
  const answers = expect.stringMatching(/libvirt .*answers at qemu:\/\/\/session/) as string;
  expect(inside('vmkiln doctor')).toMatchObject({ status: 0, stdout: answers });
  const recipe = '/usr/lib/vmkiln/recipes/debian12.yaml --set image=https://images.example.invalid/debian.qcow2';
  const commands = expect.stringMatching(/virt-customize[^]*virt-sysprep[^]*qemu-img convert/) as string;
  expect(inside(`vmkiln plan ${recipe} --offline`)).toMatchObject({ status: 0, stdout: commands });
  const { OCIv1 } = JSON.parse(buildah('inspect', container)) as {
    OCIv1: { config: object };
  };
  expect(OCIv1.config).toMatchObject({
    User: 'vmkiln',
    Entrypoint: ['tini', '--', 'vmkiln'],
    Volumes: { '/var/lib/vmkiln': {} },
  });
});
