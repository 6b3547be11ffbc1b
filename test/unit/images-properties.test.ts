import { describe, expect, test } from 'vitest';
import { detect } from '../../src/images/detect.ts';
import { parseInspector } from '../../src/images/guest.ts';
import { parseOverrides, derivedProperties } from '../../src/images/properties.ts';
import { outputFormatOf } from '../../src/images/output-format.ts';
import { capturedSource, patched } from '../support/captured-images.ts';

/** What `virt-inspector --no-applications --no-icon` 1.48 prints of a guest, shortened. */
const xml = (body: string) => `<?xml version="1.0"?>
<operatingsystems>
  <operatingsystem>
    <root>/dev/sda1</root>
${body}
    <mountpoints>
      <mountpoint dev="/dev/sda1">/</mountpoint>
    </mountpoints>
    <filesystems><filesystem dev="/dev/sda1"><type>ext4</type><name>a trap</name></filesystem></filesystems>
  </operatingsystem>
</operatingsystems>`;

const rhel = xml(`    <name>linux</name>
    <arch>x86_64</arch>
    <distro>rhel</distro>
    <product_name>Red Hat Enterprise Linux Server 7.9 (Maipo)</product_name>
    <major_version>7</major_version>
    <minor_version>9</minor_version>
    <package_format>rpm</package_format>
    <osinfo>rhel7.9</osinfo>`);

const windows = xml(`    <name>windows</name>
    <arch>x86_64</arch>
    <product_name>Windows Server 2022 Standard &amp; more&#27;[2J</product_name>
    <major_version>10</major_version>
    <minor_version>0</minor_version>
    <osinfo>win2k22</osinfo>`);

const ubuntu = xml(
  `    <name>linux</name><distro>ubuntu</distro><major_version>22</major_version><minor_version>4</minor_version>`,
);

function properties(name: string, inspector = '', ...words: string[]) {
  const image = detect(capturedSource(name));
  const found = derivedProperties(image, image.table, parseInspector(inspector)[0], parseOverrides(words));
  return { values: Object.fromEntries(found.properties.map((one) => [one.name, one.value])), findings: found.findings };
}

describe('properties of the Image service', () => {
  test('of a stream-optimised VMDK: what the guide reads from its descriptor, and nothing for KVM', () => {
    expect(properties('stream.vmdk', rhel).values).toEqual({
      disk_format: 'vmdk',
      container_format: 'bare',
      min_disk: '1',
      vmware_disktype: 'streamOptimized',
      vmware_adaptertype: 'busLogic',
      os_type: 'linux',
      os_distro: 'rhel',
      os_version: '7.9',
      os_name: 'rhel7.9',
      architecture: 'x86_64',
    });
  });

  test('of other VMDKs', () => {
    expect(properties('mono.vmdk').values).toMatchObject({ vmware_disktype: 'sparse', vmware_adaptertype: 'ide' });
    expect(properties('flat.vmdk').values).toMatchObject({ vmware_disktype: 'preallocated' });
  });

  test('of a raw disk with a Linux guest and an EFI system partition', () => {
    expect(properties('gpt.raw', rhel).values).toMatchObject({
      disk_format: 'raw',
      hw_firmware_type: 'uefi',
      hw_machine_type: 'q35',
      hw_disk_bus: 'virtio',
      hw_vif_model: 'virtio',
    });
  });

  test.each([
    ['centos', 'CentOS Stream release 9', '9', '0', 'centos9', 'centos', '9', 'centos-stream9'],
    ['centos', 'CentOS Linux release 7.9.2009 (Core)', '7', '9', 'centos7.0', 'centos', '7.9', 'centos7.0'],
    [
      'redhat-based',
      'AlmaLinux release 10.0 (Purple Lion)',
      '10',
      '0',
      'redhat-based10.0',
      'almalinux',
      '10.0',
      'almalinux10',
    ],
    ['redhat-based', 'Others release 1', '1', '0', 'redhat-based1.0', undefined, '1', undefined],
    ['oraclelinux', 'Oracle Linux Server release 9.6', '9', '6', 'oraclelinux9.6', 'ol', '9.6', 'ol9.6'],
    ['rocky', 'Rocky Linux 10.0 (Red Quartz)', '10', '0', 'rocky10', 'rocky', '10.0', 'rocky10'],
  ])('of %s, %s', (distro, product, major, minor, osinfo, ...wanted) => {
    const { values } = properties(
      'gpt.raw',
      xml(`<name>linux</name><distro>${distro}</distro><product_name>${product}</product_name>
<major_version>${major}</major_version><minor_version>${minor}</minor_version><osinfo>${osinfo}</osinfo>`),
    );
    expect([values['os_distro'], values['os_version'], values['os_name']]).toEqual(wanted);
  });

  test('of Windows: its name, and no virtio that may not be there', () => {
    const { values } = properties('v2.qcow2', windows);
    expect(values).toMatchObject({ os_type: 'windows', os_distro: 'windows', os_version: '2022', os_name: 'win2k22' });
    expect(values).not.toHaveProperty('hw_disk_bus');
  });

  test('of a filesystem, a kernel, and a version with a leading zero', () => {
    expect(properties('ext4.raw').values).toMatchObject({ disk_format: 'ami', container_format: 'ami' });
    expect(properties('v2.qcow2', ubuntu).values).toMatchObject({ os_version: '22.04' });
  });

  test('no min_disk from a size that cannot be right', () => {
    const image = detect(patched('v2.qcow2', [24, Buffer.from('7fffffffffffffff', 'hex')]));
    const names = derivedProperties(image, undefined, undefined, new Map()).properties.map(({ name }) => name);
    expect(names).toEqual(['disk_format', 'container_format']);
  });

  test('the user overrides what was found, and adds', () => {
    const { values, findings } = properties('v2.qcow2', rhel, 'hw_disk_bus=scsi', 'os_version=7', 'site=a=b');
    expect(values).toMatchObject({ hw_disk_bus: 'scsi', hw_scsi_model: 'virtio-scsi', os_version: '7', site: 'a=b' });
    expect(findings).toEqual([]);
    expect(properties('ext4.raw', '', 'disk_format=ari').values).toMatchObject({ container_format: 'ari' });
  });

  test('an override that the Image service refuses, or that contradicts the image, is told', () => {
    expect(properties('stream.vmdk', '', 'vmware_disktype=thin').findings).toMatchObject([{ code: 'property' }]);
    const [finding] = properties('v2.qcow2', '', 'disk_format=raw').findings;
    expect(finding?.message).toContain('contradicts its contents (qcow2)');
    expect(() => parseOverrides(['hw_disk_bus'])).toThrow('not KEY=VALUE');
  });
});

test('what virt-inspector says is read from the head of each system alone, and is fit to be shown', () => {
  expect(parseInspector(rhel)).toMatchObject([{ name: 'linux', distro: 'rhel', major: '7', minor: '9' }]);
  expect(parseInspector(windows)[0]?.productName).toBe('Windows Server 2022 Standard & more\\u{1b}[2J');
  expect(parseInspector('<operatingsystems/>')).toEqual([]);
});

test('what to convert to: one file always, options only where they belong', () => {
  expect(outputFormatOf({ to: 'vmdk', subformat: 'streamOptimized', adapterType: 'lsilogic' })).toEqual({
    format: 'vmdk',
    subformat: 'streamOptimized',
    options: ['subformat=streamOptimized', 'adapter_type=lsilogic'],
    compressed: true,
  });
  expect(outputFormatOf({ to: 'vhd' }).options).toEqual(['subformat=dynamic', 'force_size=on']);
  expect(() => outputFormatOf({ to: 'vmdk', subformat: 'monolithicFlat' })).toThrow(
    'monolithicSparse and streamOptimized',
  );
  expect(() => outputFormatOf({ to: 'raw', compression: 'zlib' })).toThrow('not for raw');
  expect(() => outputFormatOf({ to: 'qcow2', adapterType: 'ide' })).toThrow('not for qcow2');
});
