import { stringify } from 'yaml';

/** What an instance is told of itself. `publicKey` is a line of authorized_keys, `script` the user data: a script that starts with `#!`. */
export type Instance = { id: string; hostname: string; publicKey: string; script: string };

/**
 * Where cloud-init reads it: a CD with a volume name and files with their texts, or, without a name, the metadata service, with its answers by
 * their paths.
 */
export type Seed = { label?: string; files: Readonly<Record<string, string>> };

/** The data source NoCloud of cloud-init: `cidata` with meta-data and user-data. */
export function noCloud({ id, hostname, publicKey, script }: Instance): Seed {
  const metadata = stringify({ 'instance-id': id, 'local-hostname': hostname, 'public-keys': [publicKey] });
  return { label: 'cidata', files: { 'meta-data': metadata, 'user-data': script } };
}

/** OpenStack's config drive, as Nova makes it (nova/api/metadata/base.py): `config-2` with openstack/latest/meta_data.json. */
export function configDrive(instance: Instance): Seed {
  return {
    label: 'config-2',
    files: { 'openstack/latest/meta_data.json': novaMetadata(instance), 'openstack/latest/user_data': instance.script },
  };
}

/** Nova's metadata service (nova/api/metadata/base.py): OpenStack's own answers, and those in EC2's form, which cloud-init reads besides. */
export function metadataService(instance: Instance): Seed {
  const { id, hostname, publicKey, script } = instance;
  const ec2 = { 'instance-id': id, hostname: `${hostname}.novalocal`, 'local-hostname': `${hostname}.novalocal` };
  const listing = [...Object.keys(ec2), 'public-keys/'];
  return {
    files: {
      '/openstack': 'latest',
      '/openstack/latest': 'meta_data.json\nuser_data',
      '/openstack/latest/meta_data.json': novaMetadata(instance),
      '/openstack/latest/user_data': script,
      '': 'latest',
      '/latest': 'meta-data/\nuser-data',
      '/latest/meta-data': listing.join('\n'),
      ...Object.fromEntries(Object.entries(ec2).map(([name, text]) => [`/latest/meta-data/${name}`, text])),
      '/latest/meta-data/public-keys': '0=vmkiln',
      '/latest/meta-data/public-keys/0': 'openssh-key',
      '/latest/meta-data/public-keys/0/openssh-key': publicKey,
      '/latest/user-data': script,
    },
  };
}

function novaMetadata({ id, hostname, publicKey }: Instance): string {
  const metadata = {
    uuid: id,
    name: hostname,
    hostname: `${hostname}.novalocal`,
    public_keys: { vmkiln: publicKey },
    launch_index: 0,
    availability_zone: 'nova',
  };
  return `${JSON.stringify(metadata)}\n`;
}
