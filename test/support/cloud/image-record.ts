import type { Image } from '../../../src/openstack/image-api.ts';

/** An image as the service shows it; `id` is a digit, and the day of January on which it was made. */
export function imageRecord(id: string, changes: Partial<Image> = {}): Image {
  return {
    id,
    name: 'x',
    status: 'active',
    visibility: 'private',
    disk_format: 'qcow2',
    container_format: 'bare',
    size: 1,
    os_hidden: false,
    protected: false,
    min_disk: 0,
    min_ram: 0,
    owner: 'me',
    tags: [],
    created_at: `2026-01-0${id}T00:00:00Z`,
    updated_at: '',
    ...changes,
  };
}
