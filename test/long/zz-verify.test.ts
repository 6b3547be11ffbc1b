import { mkdirSync } from 'node:fs';
import { test } from 'vitest';
import { exec } from '../../src/tools/exec.ts';
import { verifyImage } from '../../src/verify/verify.ts';
test('x', async () => {
  const folder = '/root/lead/verify-run';
  mkdirSync(folder, { recursive: true });
  const signal = new AbortController().signal;
  const began = Date.now();
  const results = await verifyImage(
    {
      path: process.env['IMG']!,
      format: 'qcow2',
      virtualSize: 10 * 1024 ** 3,
      firmware: 'bios',
      memory: 1024 ** 3,
      diskBus: 'virtio',
    },
    {
      user: process.env['U'] ?? 'cloud-user',
      root: 'none',
      rootPassword: false,
      card: 'eth0',
      grows: true,
      noZeroconf: true,
      selinux: 'enforcing',
      kernelArguments: ['console=ttyS0,115200n8'],
      errors: [],
    },
    { run: (call, own) => exec({ ...call, signal: own ?? signal }), host: { accelerator: 'tcg' }, signal, folder },
    { note: (m) => console.log(m) },
  );
  console.log(JSON.stringify(results, null, 1), (Date.now() - began) / 1000);
}, 3_000_000);
