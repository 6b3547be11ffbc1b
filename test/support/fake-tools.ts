import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeIso } from './rhel-iso.ts';
import { capturedBytes } from './captured-images.ts';
import { freshFolder } from './vmkiln.ts';

const programs = [
  ...['virsh', 'virt-install', 'virt-customize', 'virt-sysprep', 'virt-sparsify'],
  ...['qemu-img', 'qemu-system-x86_64', 'osinfo-query', 'guestfish'],
];

/**
 * Leaves the files that vmkiln looks for, and notes when it begins and ends. FAKE_FAIL ends a program that has this word, and
 * FAKE_SAYS is what it says then. FAKE_BASH is the version of the one package in an image.
 * Like the real one, virt-install does not bear another that starts at the same time.
 */
const script = `#!/bin/sh
name=\${0##*/}
case "$name $*" in
  *--version*) echo "$name 9.9.9"; exit ;;
  virsh*version) echo 'Using library: libvirt 9.9.9'; exit ;;
  virsh*domstate*) echo 'shut off (shutdown)'; exit ;;
  virsh*dumpxml*) echo 'error: there is no such domain' >&2; exit 1 ;;
  virsh* | osinfo-query* | qemu-system*) exit ;;
  'qemu-img convert'*) for last; do :; done; cat "\${0%/*}/image.qcow2" > "$last"; echo "image of $last" >> "$last"; exit ;;
  guestfish*) echo linux > guest-type; printf 'bash\\t(none)\\t%s\\t1\\tx86_64\\t(none)\\t(none)\\tGPL\\n' "\${FAKE_BASH:-4.2}" > rpm; exit ;;
  qemu-img*) for word; do case $word in */work/*) : > "$word" ;; esac; done; exit ;;
esac
echo "$name begins" >> "$FAKE_LOG"
case "$*" in *"\${FAKE_FAIL:-no such word}"*) echo "\${FAKE_SAYS:-it was told to fail}" >&2; exit 1 ;; esac
if [ "$name" = virt-install ]; then
  exec 8>> "$FAKE_LOG.starting"
  flock --nonblock 8 || { echo 'pool already exists' >&2; exit 1; }
  sleep 0.2
  exec 8>&-
fi
for word; do case $word in *console.log*) work=\${word#*path=\\"}; : > "\${work%\\"*}" ;; esac; done
sleep "\${FAKE_SECONDS:-0.3}"
echo "$name ends" >> "$FAKE_LOG"
`;

/** A host whose tools do nothing, in a state of its own, for what needs no guest. */
export type FakeHost = {
  folder: string;
  env: Record<string, string>;
  recipe: (name: string, more?: string) => string;
  /** How often a program ran, and how many of it at most at the same time. */
  runs: (program: string) => { count: number; atOnce: number };
};

export function fakeHost(): FakeHost {
  const folder = freshFolder('fake');
  const bin = join(folder, 'bin');
  const log = join(folder, 'tools.log');
  mkdirSync(bin);
  writeFileSync(join(bin, programs[0] ?? ''), script);
  chmodSync(join(bin, programs[0] ?? ''), 0o755);
  for (const program of programs.slice(1)) symlinkSync(programs[0] ?? '', join(bin, program));
  writeFileSync(join(bin, 'image.qcow2'), capturedBytes('v2.qcow2'));
  writeIso(join(folder, 'x.iso'));
  return {
    folder,
    env: { PATH: `${bin}:${process.env['PATH']}`, VMKILN_HOME: join(folder, 'home'), FAKE_LOG: log },
    recipe: (name, more = '') => {
      const path = join(folder, `${name}.yaml`);
      const upload = `upload: [{ directory: { path: ${folder}/images } }]`;
      const source = `source: { iso: ${folder}/x.iso }\nrepositories: [{ id: r, baseurl: 'http://repository.example.com/' }]`;
      writeFileSync(
        path,
        `name: ${name}\nfamily: rhel\nrelease: "7.9"\n${source}\n${upload}\nverify: false\n${more}\n`,
      );
      return path;
    },
    runs: (program) => {
      const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : [];
      let [count, now, atOnce] = [0, 0, 0];
      for (const line of lines) {
        if (line === `${program} begins`) [count, now] = [count + 1, now + 1];
        if (line === `${program} ends`) now -= 1;
        atOnce = Math.max(atOnce, now);
      }
      return { count, atOnce };
    },
  };
}
