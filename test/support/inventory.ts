import type { Inventory } from '../../src/describe/inventory.ts';

/** The inventory of a small RHEL, with some of everything. */
export function inventory(): Inventory {
  const rpm = (name: string, version: string, release: string) => {
    return { type: 'rpm' as const, name, version, release, arch: 'x86_64', vendor: 'Red Hat, Inc.', license: 'GPLv3+' };
  };
  const user = (name: string, uid: number) => {
    return { name, uid, gid: uid, comment: '', home: `/home/${name}`, shell: '/bin/bash', groups: [name] };
  };
  const file = (sha256: string) => ({ mode: '0644', uid: 0, gid: 0, sha256: sha256.repeat(64) });
  return {
    version: 1,
    image: { format: 'qcow2', size: 204079104, virtualSize: 8589934592, sha256: 'ab'.repeat(32) },
    system: { type: 'linux', distro: 'rhel', version: '7.9', product: 'Red Hat Enterprise Linux', arch: 'x86_64' },
    packages: [
      rpm('bash', '4.2.46', '34.el7'),
      { ...rpm('dbus', '1.10.24', '15.el7'), epoch: 1, source: 'dbus-1.10.24-15.el7.src.rpm' },
      rpm('kernel', '3.10.0', '1127.el7'),
      rpm('kernel', '3.10.0', '1160.el7'),
      rpm('libstdc++', '4.8.5', '44.el7'),
    ],
    services: [
      { name: 'chronyd.service', state: 'enabled', targets: ['multi-user.target'] },
      { name: 'sshd.service', state: 'enabled', targets: ['multi-user.target'] },
    ],
    users: [
      { ...user('cloud-user', 1000), password: 'locked' },
      { ...user('root', 0), password: 'locked' },
    ],
    boot: {
      default: 'Red Hat',
      entries: [{ kernel: '/vmlinuz-3.10.0-1160.el7.x86_64', options: 'ro console=ttyS0,115200n8' }],
    },
    filesystems: [{ device: '/dev/sda1', type: 'xfs', mountpoint: '/', size: 8520728576, used: 1408178688 }],
    files: {
      '/etc/hosts': file('a'),
      '/etc/localtime': { mode: '0777', uid: 0, gid: 0, link: '../usr/share/zoneinfo/UTC' },
      '/etc/motd': file('b'),
    },
    ports: [{ protocol: 'tcp', port: 22, process: 'sshd' }],
    repositories: [{ name: 'rhel-7-server-rpms/repomd.xml', sha256: 'c'.repeat(64) }],
  };
}
