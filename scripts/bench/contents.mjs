// What is inside an image, so that contenders are only compared when they made the same thing.
import { ask } from './programs.mjs';

const files = [
  '/etc/sysconfig/network-scripts/ifcfg-eth0',
  '/etc/sysconfig/network',
  '/etc/default/grub',
  '/etc/cloud/cloud.cfg',
  '/etc/cloud/cloud.cfg.d/99_vmkiln.cfg',
  '/etc/machine-id',
];

/** Shell run in the guest of a copy-on-write view of the image, whose result must be the same: kernel lines without disk ids. */
const commands = {
  'kernel lines': 'grep -hE "^[[:space:]]+linux" /boot/grub2/grub.cfg | sed "s/UUID=[^ ]*/UUID=…/"',
  'host keys': 'ls /etc/ssh | grep ssh_host_ || true',
  'password of root': 'grep ^root: /etc/shadow | cut -d: -f2',
  packages: 'rpm -qa | sort',
};

/** The compared parts of an image by name, as text. Starts one libguestfs appliance. */
export function contentsOf(image, env) {
  const separator = '=====';
  const looks = [
    ...files.map((path) => [path, `-cat ${path}`]),
    ...Object.entries(commands).map(([name, command]) => [name, `sh ${JSON.stringify(command)}`]),
  ];
  const script = looks.map(([, look]) => `${look}\necho ${separator}\n`).join('');
  const output = ask('guestfish', ['--ro', '--format=qcow2', '-a', image, '-i'], { env, input: script }).split(
    `${separator}\n`,
  );
  return Object.fromEntries(looks.map(([name], index) => [name, output[index]?.trim() ?? '']));
}

/** Names of what differs between two images. */
export function differences(one, other) {
  return Object.keys(one).filter((name) => one[name] !== other[name]);
}
