/**
 * Fields of an image that are the service's own, and no properties: Glance's schema (`get_base_properties`) and what its
 * RequestDeserializer disallows, keeps read-only or reserves (glance/api/v2/images.py).
 */
const names =
  'id name status visibility disk_format container_format size virtual_size checksum os_hash_algo os_hash_value ' +
  'os_hidden protected min_disk min_ram owner tags created_at updated_at stores self file schema direct_url ' +
  'location locations deleted deleted_at';

export const ownFields: ReadonlySet<string> = new Set(names.split(' '));

/** Whether a name cannot be that of a property: it is a field, or in the namespace that the service reserves. */
export function isOwnField(name: string): boolean {
  return ownFields.has(name) || name.startsWith('os_glance_');
}
