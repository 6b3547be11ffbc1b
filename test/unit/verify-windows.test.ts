import { expect, test } from 'vitest';
import type { Call } from '../../src/tools/exec.ts';
import type { CloneWorld } from '../../src/verify/clone.ts';
import { type Facts, parseFacts } from '../../src/verify/facts.ts';
import { faultIn } from '../../src/verify/practice-boot.ts';
import { judgeSealed } from '../../src/verify/sealed.ts';
import { verifyImage } from '../../src/verify/verify.ts';
import { host } from '../support/plan-input.ts';
import { plainOptions } from '../support/verify.ts';
import { freshFolder } from '../support/vmkiln.ts';

test('of an image of Windows the one answer file is judged, and what must be there and what not', () => {
  const wanted = {
    system: 'windows',
    answerFile: '/u.xml',
    present: ['/c.conf'],
    traces: ['/t'],
    diskBus: 'virtio',
  } as const;
  // As guestfish prints them: no Run key, and no value but AutoAdminLogon.
  const clean = {
    AutoAdminLogon: 'key 4128\nvalue 5000\n0',
    DefaultPassword: 'key 4128\nvalue 0',
    vmkiln: 'key 0\nvalue ',
    UnattendFile: 'key 4200\nvalue 0',
    ImageState: 'key 4400\nvalue 5400\nIMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE',
  };
  const found = (answers: string, present: string, traces: string, registry: Partial<typeof clean> = {}) => {
    const values = Object.entries({ ...clean, ...registry }).map(([name, said]) => `@@ ${name}\n${said}\n`);
    const text = `@@ answers\n${answers}\n@@ present\n${present}\n@@ traces\n${traces}\n${values.join('')}@@ end`;
    const results = judgeSealed(parseFacts(text) as Facts, wanted);
    return results.flatMap(({ check, outcome }) => (outcome === 'failed' ? [check] : []));
  };
  expect(found('<unattend/>', '/c.conf', '')).toEqual([]);
  expect(found('', '/c.conf', '')).toEqual(['answer-file']);
  expect(found('<Password><Value>x</Value></Password>', '/c.conf', '')).toEqual(['secrets']);
  expect(found('<unattend/>', '', '')).toEqual(['cloudbase-init']);
  expect(found('<unattend/>', '/c.conf', '/t')).toEqual(['leftovers']);
  const inRegistry = (registry: Partial<typeof clean>) => found('<unattend/>', '/c.conf', '', registry);
  expect(inRegistry({ AutoAdminLogon: 'key 4128\nvalue 5000\n1' })).toEqual(['autologon']);
  expect(inRegistry({ DefaultPassword: 'key 4128\nvalue 5100\nsecret' })).toEqual(['autologon']);
  expect(inRegistry({ vmkiln: 'key 4300\nvalue 5200\ncmd.exe' })).toEqual(['autologon']);
  expect(inRegistry({ UnattendFile: 'key 4200\nvalue 5300\nC:\\x.xml' })).toEqual(['answer-file']);
  expect(inRegistry({ ImageState: 'key 4400\nvalue 5400\nIMAGE_STATE_COMPLETE' })).toEqual(['sysprep']);
  expect(inRegistry({ ImageState: 'key 4400\nvalue 0' })).toEqual(['sysprep']);
  // A hive that hivex cannot open, and a value that it cannot find its way to.
  expect(inRegistry({ DefaultPassword: 'key ' })).toEqual(['autologon']);
  expect(inRegistry({ UnattendFile: 'key 4200\nvalue ' })).toEqual(['answer-file']);
});

test('a real Windows is said not to be booted', async () => {
  const wanted = { system: 'windows', answerFile: '/u.xml', present: ['/c'], traces: [], diskBus: 'virtio' } as const;
  const image = { path: '/image', format: 'qcow2', virtualSize: 1, firmware: 'bios' } as const;
  const run = ({ input }: Call) => {
    const [mark] = /[0-9a-f]{8}-[0-9a-f-]{27}/.exec(input ?? '') ?? [];
    const values = ['AutoAdminLogon', 'DefaultPassword', 'vmkiln', 'UnattendFile'];
    const absent = values.map((name) => `${mark} ${name}\nkey 4128\nvalue 0\n`).join('');
    const registry = `${absent}${mark} ImageState\nkey 4128\nvalue 9\nIMAGE_STATE_GENERALIZE_RESEAL_TO_OOBE\n`;
    const stdout = `${mark} answers\n<unattend/>\n${mark} present\n/c\n${registry}${mark} end`;
    return Promise.resolve({ stdout, stderr: '', exitCode: 0 });
  };
  const world = { run, host, signal: new AbortController().signal, folder: freshFolder('windows') };
  const { passed, results } = await verifyImage(image, wanted, world as unknown as CloneWorld, plainOptions);
  expect({ passed, last: results.at(-1) }).toMatchObject({
    passed: true,
    last: { check: 'first-boot', outcome: 'skipped' },
  });
});

test.each([
  ['practice Cloudbase-Init: specialize\r\nWindows: Press Ctrl+Alt+Delete to unlock\r\n', undefined],
  ["Windows: Hi there. Let's start with your region. Is this right?\r\n", /ends at: Windows: Hi there/],
  ['Windows Setup: error: no bootable device\r\n', /no bootable device/],
  [
    'practice Windows: whoever logs on runs C:\\x.cmd\r\nWindows: Press Ctrl+Alt+Delete to unlock\r\n',
    /runs C:\\x\.cmd$/,
  ],
])('the first boot of a rehearsed Windows that says %j is judged', (said, fault) => {
  if (fault === undefined) expect(faultIn(said)).toBeUndefined();
  else expect(faultIn(said)).toMatch(fault);
});
