/** The code of kvm-guest.S: everything up to the zeros. */
const code = Buffer.from(
  '+jHAjtiOwI7QvAB8/L8AELkAGPOrxwYAEAMgxwYAIAMwxwYAMIMADyDgZoPIIA8i4Ga4ABAAAA8i2Ga5gAAAwA8yZg0AAQAADzAPARaIfA8gwGYNAQAAgA8iwOpgfAgASLgAAAAAMQAAAEjB6CDm9PSNtCYAAAAAAAAAAAAAAAAAAAAAAJogAA8AeHw=',
  'base64',
);

/** QEMU's exit status when the guest has reached 64-bit mode. */
export const guestDone = 99;

/** The port of `isa-debug-exit` that the guest writes to. */
export const exitPort = 0xf4;

/** A raw disk image with the guest in its boot sector. 1 MiB, because SeaBIOS does not boot a disk of one sector. */
export function guestDisk(): Buffer {
  const disk = Buffer.alloc(1024 * 1024);
  code.copy(disk);
  disk.writeUInt16LE(0xaa55, 510);
  return disk;
}
