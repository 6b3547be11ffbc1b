import { stringify } from 'yaml';

/** What an instance is told of itself. `publicKey` is a line of authorized_keys, `script` the user data: a script that starts with `#!`. */
export type Instance = { id: string; hostname: string; publicKey: string; script: string };

/** A CD that cloud-init reads: its volume name, and its files with their texts. */
export type Seed = { label: string; files: Readonly<Record<string, string>> };

/** The data source NoCloud of cloud-init: `cidata` with meta-data and user-data. */
export function noCloud({ id, hostname, publicKey, script }: Instance): Seed {
  const metadata = stringify({ 'instance-id': id, 'local-hostname': hostname, 'public-keys': [publicKey] });
  return { label: 'cidata', files: { 'meta-data': metadata, 'user-data': script } };
}

/** OpenStack's config drive, as Nova makes it (nova/api/metadata/base.py): `config-2` with openstack/latest/meta_data.json. */
export function configDrive({ id, hostname, publicKey, script }: Instance): Seed {
  const metadata = {
    uuid: id,
    name: hostname,
    hostname: `${hostname}.novalocal`,
    public_keys: { vmkiln: publicKey },
    launch_index: 0,
    availability_zone: 'nova',
  };
  const text = `${JSON.stringify(metadata)}\n`;
  return {
    label: 'config-2',
    files: { 'openstack/latest/meta_data.json': text, 'openstack/latest/user_data': script },
  };
}
