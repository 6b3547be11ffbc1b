import { expect, test } from 'vitest';
import { familyOf } from '../../src/families/index.ts';
import { machineCheck } from '../../src/host/checks/machine.ts';
import { machineFault } from '../../src/host/machine.ts';
import { parseAbilities } from '../../src/tools/virsh.ts';
import { rhelRecipe } from '../support/rhel.ts';
import { windowsRecipe } from '../support/windows.ts';

/** Of libvirt 9.0 with ovmf and swtpm installed, shortened. */
const xml = `<domainCapabilities>
  <os supported='yes'>
    <enum name='firmware'>
      <value>efi</value>
    </enum>
    <loader supported='yes'>
      <value>/usr/share/OVMF/OVMF_CODE_4M.secboot.fd</value>
      <enum name='type'>
        <value>rom</value>
        <value>pflash</value>
      </enum>
      <enum name='secure'>
        <value>yes</value>
        <value>no</value>
      </enum>
    </loader>
  </os>
  <devices>
    <tpm supported='yes'>
      <enum name='backendModel'>
        <value>passthrough</value>
        <value>emulator</value>
        <value>external</value>
      </enum>
    </tpm>
  </devices>
</domainCapabilities>`;
const all = { uefi: true, secureBoot: true, tpm: true };
const none = { uefi: false, secureBoot: false, tpm: false };
const linux = { uefi: true, secureBoot: false, tpm: false };

test('what libvirt offers a machine is read from its capabilities', () => {
  expect(parseAbilities(xml)).toEqual(all);
  expect(parseAbilities(xml.replace('<value>efi</value>', ''))).toEqual({ ...all, uefi: false });
  expect(parseAbilities(xml.replace('<value>yes</value>', ''))).toEqual({ ...all, secureBoot: false });
  expect(parseAbilities(xml.replace('<value>emulator</value>', ''))).toEqual({ ...all, tpm: false });
  expect(parseAbilities(xml.replace("<tpm supported='yes'>", "<tpm supported='no'>"))).toEqual({ ...all, tpm: false });
});

test('a fault names what is missing, and the packages once', () => {
  expect(machineFault(linux, linux, 'apt')).toBeUndefined();
  expect(machineFault(linux, none, 'apt')).toMatchObject({ missing: 'firmware for UEFI' });
  expect(machineFault(all, none, 'apt')?.fix).toMatch(/--no-install-recommends ovmf swtpm swtpm-tools$/);
  expect(machineFault(all, none, 'dnf')?.fix).toMatch(/dnf install edk2-ovmf swtpm swtpm-tools$/);
});

test('what a recipe needs is a fault, what none needs is worth a note', () => {
  expect(machineCheck(linux, none, 'apt')).toMatchObject({ status: 'fail', detail: expect.stringContaining('UEFI') });
  expect(machineCheck(linux, linux, 'apt').status).toBe('warn');
  expect(machineCheck(undefined, none, 'apt').status).toBe('warn');
  expect(machineCheck(all, all, 'apt').status).toBe('ok');
  expect(machineCheck(all, undefined, 'apt')).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining('not say'),
  });
});

test('recipes need what their release and firmware ask for', async () => {
  const needs = async (recipe: ReturnType<typeof rhelRecipe> | ReturnType<typeof windowsRecipe>) => {
    const loaded = await recipe;
    return familyOf(loaded).machine(loaded);
  };
  expect(await needs(rhelRecipe())).toEqual(none);
  expect(await needs(rhelRecipe('machine: { firmware: uefi }'))).toEqual(linux);
  expect(await needs(windowsRecipe('machine: { firmware: uefi }'))).toEqual(linux);
  expect(await needs(windowsRecipe('machine: { firmware: uefi }', '11'))).toEqual(all);
});
