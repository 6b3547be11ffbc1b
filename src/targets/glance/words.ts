/** Disk formats that the Image service knows. */
export const diskFormats = ['qcow2', 'raw', 'vmdk', 'vdi', 'vhd', 'vhdx', 'iso', 'aki', 'ami', 'ari'] as const;
export const uploadMethods = ['auto', 'put', 'glance-direct', 'web-download', 'task'] as const;
export const hashMethods = ['SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'] as const;

/** Names for bytes that are taken as they are: a disk, an ISO, a file system (AMI), a kernel (AKI), a RAM disk (ARI). */
const labels = ['raw', 'iso', 'ami', 'aki', 'ari'];

/** Whether an image in one format is one in the other too, without a conversion. */
export function isSameData(format: string, other: string): boolean {
  return format === other || (labels.includes(format) && labels.includes(other));
}
