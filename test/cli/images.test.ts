import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { commandLineOf, pids } from '../../src/store/process.ts';
import { capturedBytes } from '../support/captured-images.ts';

const folder = mkdtempSync(join(tmpdir(), 'vmkiln-images-'));
const at = (name: string) => join(folder, name);
const run = (program: string, args: string[]) => execFileSync(program, args, { cwd: folder, encoding: 'utf8' });
const qemuImg = (...args: string[]) => run('qemu-img', args);

/** The real binary; it must answer soon even where it could wait for ever. */
function vmkiln(...args: string[]) {
  const options = { encoding: 'utf8', timeout: 30_000 } as const;
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/cli.js', ...args], options);
  return { status, stdout, stderr };
}

function inspect(name: string, ...args: string[]) {
  const { status, stdout } = vmkiln('inspect', at(name), '--no-guest', '--json', ...args);
  const report = JSON.parse(stdout);
  const codes = (level: string) =>
    report.findings.flatMap((finding: { level: string; code: string }) =>
      finding.level === level ? [finding.code] : [],
    );
  return { status, report, errors: codes('error'), warnings: codes('warning') };
}

/** A disk with a partition table, so that there is something to see inside. */
writeFileSync(at('disk.raw'), capturedBytes('gpt.raw'));

const kinds = [
  ['qcow2', 'qcow2', ['compression_type=zstd']],
  ['qcow2', 'qcow2', ['compat=0.10']],
  ['vmdk', 'vmdk', ['subformat=monolithicSparse']],
  ['vmdk', 'vmdk', ['subformat=streamOptimized']],
  ['vhd', 'vpc', ['subformat=dynamic', 'force_size=on']],
  ['vhd', 'vpc', ['subformat=fixed', 'force_size=on']],
  ['vhdx', 'vhdx', ['subformat=dynamic']],
  ['vhdx', 'vhdx', ['subformat=fixed']],
  ['vdi', 'vdi', ['static=off']],
  ['vdi', 'vdi', ['static=on']],
] as const;

describe('inspect', () => {
  test.each(kinds)('%s by qemu-img (%s, %j): format, size and the partitions inside', (format, driver, options) => {
    const name = `made.${format}`;
    qemuImg('convert', '-f', 'raw', '-O', driver, '-o', options.join(','), 'disk.raw', name);
    const info = JSON.parse(qemuImg('info', '-f', driver, '--output=json', name));
    const { status, report, errors } = inspect(name);
    expect({ status, errors }).toEqual({ status: 0, errors: [] });
    expect(report).toMatchObject({
      format,
      virtualSize: info['virtual-size'],
      selfContained: true,
      partitionTable: {
        kind: 'gpt',
        boots: ['uefi'],
        partitions: [{ type: 'BIOS boot' }, { type: 'EFI system' }, { type: 'Linux' }],
      },
      properties: { disk_format: format, min_disk: '1', hw_firmware_type: 'uefi' },
    });
  });

  test('a backing file is named and never opened: here, opening it would wait for ever', () => {
    run('mkfifo', [at('trap')]);
    qemuImg('create', '-q', '-u', '-f', 'qcow2', '-F', 'raw', '-b', at('trap'), 'points.qcow2', '1M');
    const { status, report, errors } = inspect('points.qcow2');
    expect({ status, errors }).toEqual({ status: 1, errors: ['backing-file'] });
    expect(report.references).toEqual([{ kind: 'backing file', name: at('trap') }]);
    expect(vmkiln('convert', at('points.qcow2'), '--to', 'raw')).toMatchObject({ status: 2 });
  });

  test('an image inside an image is found, and not converted to raw', () => {
    qemuImg('create', '-q', '-f', 'qcow2', '-u', '-F', 'raw', '-b', '/etc/passwd', 'inner.qcow2', '1M');
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'inner.qcow2', 'outer.qcow2');
    expect(inspect('outer.qcow2')).toMatchObject({ status: 1, errors: ['nested'] });
    const { status, stderr } = vmkiln('convert', at('outer.qcow2'), '--to', 'raw');
    expect(stderr).toContain('begins with the header of another qcow2 image');
    expect({ status, made: readdirSync(folder).includes('outer.raw') }).toEqual({ status: 2, made: false });
  });

  test('what is no file is refused at once: a pipe, a folder, a name that looks like a protocol', () => {
    run('mkfifo', [at('pipe.qcow2')]);
    for (const path of [at('pipe.qcow2'), folder, '/dev/null', 'nbd:localhost:10809', 'json:{"driver":"raw"}']) {
      const { status, stderr } = vmkiln('inspect', path);
      expect({ path, status }).toEqual({ path, status: 2 });
      expect(stderr).toMatch(/regular file|is a folder|cannot read/);
    }
  });

  test('the text has the properties as `openstack image create` wants them, and nothing a terminal obeys', () => {
    writeFileSync(
      at('evil.vmdk'),
      '# Disk DescriptorFile\nversion=1\ncreateType="\u001b[31mred"\nRW 1 FLAT "/a\u0007b"\n',
    );
    const { stdout, status } = vmkiln('inspect', at('evil.vmdk'), '--property', 'os_distro=rhel');
    // oxlint-disable-next-line no-control-regex
    expect(/[\u0007\u001b]/.test(stdout)).toBe(false);
    expect(stdout).toContain('os_distro=rhel');
    expect(status).toBe(1);
  });
});

/** Runs a script whose mounts are its own. `$0` is Node.js, `dist/cli.js` the built program. */
function withMounts(script: string, ...args: string[]) {
  const [program, ...words] = ['unshare', '-rm', 'sh', '-c', script, process.execPath, ...args];
  return spawnSync(program ?? '', words, { encoding: 'utf8', timeout: 60_000 });
}

describe('the host', () => {
  test('a folder for temporary files that is not there, or full, is no fault of the image', () => {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'temporary.qcow2');
    const script = 'mount -t tmpfs -o size=8k none "$1"; TMPDIR=$2 exec "$0" dist/cli.js inspect --no-guest "$3"';
    mkdirSync(at('small-temporary'));
    const inspectIn = (temporary: string) =>
      withMounts(script, at('small-temporary'), temporary, at('temporary.qcow2'));
    const missing = inspectIn(at('no-such-folder'));
    expect(missing.stderr).toContain(`there can be no temporary files in ${at('no-such-folder')}`);
    const full = inspectIn(at('small-temporary'));
    expect(full.stderr).toContain(`no space left for temporary files, which are in ${at('small-temporary')}`);
    expect([missing.status, full.status]).toEqual([1, 1]);
  });

  test('an output that cannot be written, or not wholly, is a failure of any command', () => {
    for (const words of [['schema'], ['--version'], ['--help'], ['inspect', '--no-guest', at('disk.raw')]]) {
      const { status, stderr } = withMounts('exec "$0" dist/cli.js "$@" > /dev/full', ...words);
      expect({ words, status }).toEqual({ words, status: 1 });
      expect(stderr).toContain('the output cannot be written: ENOSPC');
    }
    mkdirSync(at('small-output'));
    const script = 'mount -t tmpfs -o size=8k none "$1" && exec "$0" dist/cli.js schema > "$1/schema"';
    expect(withMounts(script, at('small-output')).status).toBe(1);
    expect(withMounts('"$0" dist/cli.js schema | head -1').status).toBe(0);
  });

  test('the name of a file is shown so that a terminal does not obey it', () => {
    const name = 'a\u001b[31mb\u009b2Jc\u202ed.raw';
    writeFileSync(at(name), readFileSync(at('disk.raw')));
    const said = [
      ...['--json', '--no-guest'].map((option) => vmkiln('inspect', at(name), '--no-guest', option)),
      vmkiln('convert', at(name), '--to', 'vdi'),
      vmkiln('convert', at(name), '--to', 'vdi'),
      vmkiln('validate', at(name)),
    ].map(({ stdout, stderr }) => stdout + stderr);
    // oxlint-disable-next-line no-control-regex
    for (const text of said) expect(text).not.toMatch(/[\u001b\u009b\u202e]/);
    expect(JSON.parse(said[0] ?? '').file).toBe(at(name));
    expect(said[3]).toContain('a\\u{1b}[31mb\\u{9b}2Jc\\u{202e}d.vdi is there already');
  });
});

describe('convert', () => {
  const convert = (image: string, ...args: string[]) => vmkiln('convert', at(image), ...args);
  const hidden = () => readdirSync(folder).filter((name) => name.startsWith('.'));

  test.each([
    ['raw', []],
    ['qcow2', ['--compression', 'zlib']],
    ['vmdk', ['--subformat', 'streamOptimized', '--adapter-type', 'lsilogic']],
    ['vmdk', []],
    ['vdi', ['--subformat', 'static']],
    ['vhd', []],
    ['vhd', ['--subformat', 'fixed']],
    ['vhdx', []],
  ])('to %s %j: equal contents, the size exactly, and a result that inspect takes', (to, args) => {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'from.qcow2');
    const { status, stdout } = convert(
      'from.qcow2',
      '--to',
      to,
      ...args,
      '--out',
      at(`to,${to}:x`),
      '--force',
      '--check',
      '--json',
    );
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ checked: true, files: [{ format: to, virtualSize: 8 * 2 ** 20 }] });
    const { status: inspected, report, errors } = inspect(`to,${to}:x`);
    expect({ inspected, errors, findings: report.findings }).toMatchObject({ inspected: 0, errors: [] });
    expect(report.format).toBe(to);
    expect(hidden()).toEqual([]);
  });

  test('a disk whose first bytes are no partition table is converted to raw as well: LUKS, an archive', () => {
    for (const [name, start] of [
      ['luks', capturedBytes('t.luks')],
      ['tar', Buffer.concat([gzipSync('an archive'), Buffer.alloc(2 ** 20)])],
    ] as const) {
      writeFileSync(at(`${name}.img`), Buffer.concat([start, Buffer.alloc(512 - (start.length % 512))]));
      qemuImg('convert', '-f', 'raw', '-O', 'qcow2', `${name}.img`, `${name}.qcow2`);
      expect(convert(`${name}.qcow2`, '--to', 'raw', '--out', at(`${name}.raw`))).toMatchObject({ status: 0 });
      expect(readFileSync(at(`${name}.raw`)).equals(readFileSync(at(`${name}.img`)))).toBe(true);
    }
  });

  test('a file that is there stays, unless --force says otherwise; the image itself stays always', () => {
    writeFileSync(at('taken.vdi'), 'mine');
    const refused = convert('disk.raw', '--to', 'vdi', '--out', at('taken.vdi'));
    expect(refused.stderr).toContain('is there already');
    expect(refused.status).toBe(2);
    expect(readFileSync(at('taken.vdi'), 'utf8')).toBe('mine');
    expect(convert('disk.raw', '--to', 'vdi', '--out', at('taken.vdi'), '--force').status).toBe(0);
    expect(statSync(at('taken.vdi')).size).toBeGreaterThan(2 ** 20);
    expect(convert('disk.raw', '--to', 'raw', '--out', at('disk.raw'), '--force').stderr).toContain('the image itself');
  });

  test('files outside are followed only when the user says so', () => {
    qemuImg('convert', '-f', 'raw', '-O', 'vmdk', '-o', 'subformat=monolithicFlat', 'disk.raw', 'flat.vmdk');
    expect(convert('flat.vmdk', '--to', 'qcow2').stderr).toContain('"flat-flat.vmdk"');
    expect(convert('flat.vmdk', '--to', 'qcow2', '--allow-external', '--check').status).toBe(0);
  });

  test('a conversion that fails half-way leaves nothing', () => {
    mkdirSync(at('small'));
    // What qemu-img writes beyond this limit fails, as it does on a full disk.
    const script = 'ulimit -f 100; exec "$0" dist/cli.js convert "$1" --to vhdx --out "$2"';
    const args = ['-c', script, process.execPath, at('disk.raw'), at('small/a.vhdx')];
    expect(spawnSync('bash', args, { encoding: 'utf8' }).status).toBe(1);
    expect(readdirSync(at('small'))).toEqual([]);
  });

  test('what is no file is not written to, and stays what it is: with --force too', () => {
    run('mkfifo', [at('out-pipe')]);
    mkdirSync(at('out-folder'));
    symlinkSync('/dev/null', at('out-link'));
    for (const out of ['/dev/null', '/dev/stdout', at('out-pipe'), at('out-folder'), at('out-link')]) {
      const { status, stderr } = convert('disk.raw', '--to', 'qcow2', '--out', out, '--force');
      expect({ out, status }).toEqual({ out, status: 2 });
      expect(stderr).toMatch(/is (no regular file|a folder)/);
    }
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(lstatSync('/dev/stdout').isSymbolicLink()).toBe(true);
  });

  test.each([['streamOptimized'], ['monolithicSparse']])(
    'a full disk behind a %s VMDK is told as that',
    (subformat) => {
      mkdirSync(at(subformat));
      writeFileSync(at('noise.raw'), randomBytes(4 * 2 ** 20));
      const script =
        'mount -t tmpfs -o size=1m none "$1" && exec "$0" dist/cli.js convert "$2" --to vmdk --out "$1/x" --subformat "$3"';
      const { status, stderr } = withMounts(script, at(subformat), at('noise.raw'), subformat);
      expect(stderr).toContain(`no space left in ${at(subformat)}`);
      expect(status).toBe(1);
    },
  );

  test('what tables lead to beyond the end of the file would be zeros: it is not converted', () => {
    qemuImg('convert', '-f', 'raw', '-O', 'qcow2', 'disk.raw', 'short.qcow2');
    truncateSync(at('short.qcow2'), statSync(at('short.qcow2')).size - 65_536);
    const { status, stderr } = convert('short.qcow2', '--to', 'raw');
    expect({ status, made: existsSync(at('short.raw')) }).toEqual({ status: 2, made: false });
    expect(stderr).toContain('it is cut short');
  });

  /** A conversion that takes a second or more, once it has begun. Its folder is `name`. */
  async function begin(name: string, image = at('random.raw')) {
    if (!existsSync(image)) run('dd', ['if=/dev/urandom', `of=${image}`, 'bs=1M', 'count=96', 'status=none']);
    mkdirSync(at(name));
    const args = ['convert', image, '--to', 'qcow2', '--compression', 'zlib', '--out', at(`${name}/a.qcow2`)];
    const child = spawn(process.execPath, ['dist/cli.js', ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => (stderr += String(chunk)));
    await once(child.stderr, 'data');
    expect(readdirSync(at(name))).toHaveLength(1);
    return { child, stderr: () => stderr };
  }

  test('Ctrl-C leaves nothing', async () => {
    const { child } = await begin('stopped');
    child.kill('SIGINT');
    const [status] = await once(child, 'close');
    expect({ status, left: readdirSync(at('stopped')) }).toEqual({ status: 130, left: [] });
  });

  test('kill -9 leaves no program, and the next conversion takes away the half of a file', async () => {
    const { child } = await begin('killed');
    child.kill('SIGKILL');
    await once(child, 'close');
    const running = () => pids().some((pid) => commandLineOf(pid).some((word) => word.startsWith(at('killed'))));
    await expect.poll(running).toBe(false);
    expect(convert('disk.raw', '--to', 'vdi', '--out', at('killed/b.vdi')).status).toBe(0);
    expect(readdirSync(at('killed'))).toEqual(['b.vdi']);
  });

  test('an image that loses its end while it is read is not converted', async () => {
    const { child, stderr } = await begin('shrinking', at('shrinking.raw'));
    truncateSync(at('shrinking.raw'), 2 ** 20);
    const [status] = await once(child, 'close');
    expect({ status, left: readdirSync(at('shrinking')) }).toEqual({ status: 1, left: [] });
    expect(stderr()).toContain('changed while it was read: it had 100663296 bytes, and has 1048576');
  });
});
