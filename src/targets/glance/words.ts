/** Disk formats that the Image service knows. */
export const diskFormats = ['qcow2', 'raw', 'vmdk', 'vdi', 'vhd', 'vhdx', 'iso', 'aki', 'ami', 'ari'] as const;
export const uploadMethods = ['auto', 'put', 'glance-direct', 'web-download', 'task'] as const;
export const hashMethods = ['SHA-224', 'SHA-256', 'SHA-384', 'SHA-512'] as const;
