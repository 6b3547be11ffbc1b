import { PNG } from 'pngjs';
import { expect, test } from 'vitest';
import { guestfsProgress } from '../../src/tools/guestfs.ts';
import { convertProgress } from '../../src/tools/qemu-img.ts';
import { screenshotToPng } from '../../src/tools/screenshot.ts';
import { parseDomstate, parseDomstats, pausedByDisk } from '../../src/tools/virsh.ts';

test('virsh domstats: counters of all disks and interfaces are added up', () => {
  const text = [
    "Domain: 'vmkiln-rhel7'",
    '  cpu.time=9431000000',
    '  cpu.user=8000000000',
    '  net.count=1',
    '  net.0.rx.bytes=1200',
    '  net.0.tx.bytes=77',
    '  block.count=2',
    '  block.0.rd.bytes=100',
    '  block.0.wr.bytes=4096',
    '  block.1.rd.bytes=20',
    '',
  ].join('\n');
  expect(parseDomstats(text)).toEqual({ cpu: 9_431_000_000, written: 4216, received: 1200 });
});

test('a guest that QEMU paused for a full disk is told from one that a person paused', () => {
  expect(pausedByDisk("Domain: 'a'\n  state.state=3\n  state.reason=5\n  cpu.time=1\n")).toBe(true);
  expect(pausedByDisk("Domain: 'a'\n  state.state=3\n  state.reason=1\n")).toBe(false);
  expect(pausedByDisk("Domain: 'a'\n  state.state=1\n  state.reason=5\n")).toBe(false);
});

test('virsh domstate --reason', () => {
  expect(parseDomstate('shut off (shutdown)\n\n')).toEqual({ state: 'shut off', reason: 'shutdown' });
  expect(parseDomstate('running')).toEqual({ state: 'running', reason: '' });
});

test('a PPM screenshot becomes the same picture as PNG', () => {
  const ppm = Buffer.concat([Buffer.from('P6\n2 1\n255\n'), Buffer.from([255, 0, 0, 0, 10, 255])]);
  const png = PNG.sync.read(screenshotToPng(ppm));
  expect([png.width, png.height, ...png.data]).toEqual([2, 1, 255, 0, 0, 255, 0, 10, 255, 255]);
  expect(screenshotToPng(PNG.sync.write(png)).subarray(1, 4).toString()).toBe('PNG');
  expect(() => screenshotToPng(Buffer.from('nothing'))).toThrow('neither');
});

test('progress of qemu-img and the guestfs tools', () => {
  expect(convertProgress('    (12.50/100%)')).toBe(0.125);
  expect(convertProgress('qemu-img: error')).toBeUndefined();
  expect(guestfsProgress('[  26.3] Running: packages.sh')).toBe('Running: packages.sh');
});
