import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readCloud } from '../../src/openstack/clouds-yaml.ts';
import { parsePython } from '../../src/openstack/python-yaml.ts';
import { exec } from '../../src/tools/exec.ts';
import { signal } from '../support/cloud/tools.ts';

/** With `client` it is for the `openstack` client to read, else for openstacksdk. */
type Case = {
  client?: boolean;
  env: Record<string, string>;
  cwd: string;
  cloud?: string | undefined;
  region?: string | undefined;
};
type Answer = {
  error?: string;
  name: string;
  region: string;
  interface: string | string[];
  type: string;
  auth: Record<string, string>;
  verify: boolean | string;
  endpoint: string | null;
};

/** What a script beside the test servers makes of these. */
async function python(name: string, given: readonly unknown[]): Promise<unknown> {
  const script = join(import.meta.dirname, '../support/cloud', name);
  const input = JSON.stringify(given);
  const { stdout } = await exec({ program: '/usr/bin/python3', args: [script], input, timeout: 110, signal });
  return JSON.parse(stdout);
}

/** The same in our words. Options that the plugin does not know stay outside of `auth` there, and are of no use. */
async function ours(each: Case): Promise<object> {
  try {
    const cloud = await readCloud({ cloud: each.cloud, region: each.region, env: each.env, cwd: each.cwd });
    return {
      name: cloud.name,
      region: cloud.region,
      interface: cloud.interfaces,
      type: cloud.authType,
      auth: useful(cloud.authType, { ...cloud.auth }),
      verify: cloud.verify ? (cloud.cacert ?? true) : false,
      endpoint: cloud.endpoints['image'] ?? null,
    };
  } catch {
    return { error: true };
  }
}

function useful(type: string, auth: Record<string, string>): Record<string, string> {
  const useless =
    type === 'password' ? /^token$|^application_credential/ : /^(password|project_|default_domain|token$)/;
  return Object.fromEntries(Object.entries(auth).filter(([key, value]) => value !== '' && !useless.test(key)));
}

const word = fc.constantFrom('alpha', 'beta', 'RegionTwo', 'x y', '42');
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined, freq: 3 });
const login = {
  username: fc.constant('me'),
  password: fc.constantFrom<string | number>('p$w{x}', 12345),
  auth_url: fc.constantFrom('https://id.example.com/v3', 'http://id/{region_name}/v3'),
};
const scope = fc.record(
  {
    project_name: word,
    project_id: word,
    tenant_name: word,
    'project-domain-id': word,
    project_domain_name: word,
    user_domain_id: word,
    user_domain_name: word,
    domain_id: word,
    domain_name: word,
  },
  { requiredKeys: [] },
);
const cloud = fc
  .record({
    login: fc.record(login),
    inside: scope,
    outside: scope,
    rest: fc.record(
      {
        region_name: fc.constantFrom('RegionOne', 'RegionTwo'),
        regions: fc.constant([
          'RegionOne',
          { name: 'RegionTwo', values: { auth: { project_name: 'there' }, interface: 'admin' } },
        ]),
        interface: fc.constantFrom<string | string[]>('internal', 'public', ['internal', 'public'], ['admin']),
        profile: fc.constantFrom('mine', 'auro', 'otc', 'ovh'),
        endpoint_type: fc.constant('internal'),
        image_interface: fc.constant('admin'),
        verify: fc.boolean(),
        insecure: fc.constantFrom<boolean | string>(true, 'False', 'true'),
        cacert: fc.constantFrom('/etc/ca.pem', '~/ca.pem'),
        image_endpoint_override: fc.constant('https://image.example.com/v2'),
      },
      { requiredKeys: [] },
    ),
  })
  .map(({ login: credentials, inside, outside, rest }) => ({
    auth: { ...credentials, ...inside },
    ...outside,
    ...rest,
  }));
const application = fc.constant({
  auth_type: 'v3applicationcredential',
  auth: { auth_url: 'https://id/v3', application_credential_id: 'id', application_credential_secret: 'secret' },
});
const places = ['work', 'home/.config/openstack'];
const files = fc.record({
  clouds: fc.dictionary(
    fc.constantFrom('one', 'two', 'three'),
    fc.oneof({ weight: 5, arbitrary: cloud }, application),
    { minKeys: 2 },
  ),
  vendors: optional(
    fc.constant({
      'public-clouds': {
        mine: { regions: ['RegionOne', 'RegionTwo'], auth: { project_domain_name: 'of mine' }, interface: 'admin' },
        auro: { auth: { user_domain_name: 'of auro' }, region_name: 'RegionTwo' },
      },
    }),
  ),
  secure: optional(fc.constant({ clouds: { one: { auth: { password: 'from secure' } } } })),
  place: fc.constantFrom(...places),
  suffix: fc.constantFrom('yaml', 'yml', 'json'),
});
const selectors = {
  OS_CLOUD: fc.constantFrom('one', 'two'),
  OS_REGION_NAME: fc.constantFrom('RegionOne', 'RegionTwo'),
};
const variables = fc.record(
  {
    ...selectors,
    OS_AUTH_URL: fc.constant('https://env/v3'),
    OS_USERNAME: fc.constant('env user'),
    OS_PASSWORD: fc.constant('env password'),
    OS_PROJECT_NAME: word,
    OS_USER_DOMAIN_NAME: word,
    OS_TENANT_NAME: word,
    OS_INSECURE: fc.constant('true'),
    OS_CACERT: fc.constant('/env/ca.pem'),
    OS_INTERFACE: fc.constant('admin'),
    OS_PROJECT_DOMAIN_ID: word,
    OS_DOMAIN_NAME: word,
    OS_AUTH_TYPE: fc.constantFrom('password', 'v3password'),
  },
  { requiredKeys: [] },
);
const env: fc.Arbitrary<Record<string, string>> = fc.oneof(variables, {
  weight: 3,
  arbitrary: fc.record(selectors, { requiredKeys: [] }),
});

/** A cloud with too little for its login is refused later, in better words; one with too much is not. */
const unequal =
  /Auth plugin requires parameters|unexpected keyword argument|Missing value auth-url|No password entered|OptionError/;

test('clouds of many shapes are read as openstacksdk reads them, and named ones as the openstack client does', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vmkiln-clouds-'));
  const some = fc.tuple(optional(files), env, optional(fc.constantFrom('one', 'two')));
  const samples = fc.sample(some, { numRuns: 160, seed: 7 });
  const cases = samples.map(([file, set, name], index): Case => {
    const folder = join(root, String(index));
    for (const place of places) mkdirSync(join(folder, place), { recursive: true });
    const contents = file && {
      ...{ clouds: { clouds: file.clouds }, secure: file.secure, 'clouds-public': file.vendors },
    };
    for (const [kind, content] of Object.entries(contents ?? {})) {
      if (!content || !file) continue;
      const path = join(folder, file.place, `${kind}.${file.suffix}`);
      writeFileSync(path, file.suffix === 'json' ? JSON.stringify(content) : stringify(content));
    }
    const region = set['OS_REGION_NAME'];
    const named = name ?? set['OS_CLOUD'];
    const home = join(folder, 'home');
    // Where nothing but the name is in the environment, both read the same.
    const hasOptions = Object.keys(set).some((key) => !['OS_CLOUD', 'OS_REGION_NAME'].includes(key));
    return {
      ...{ client: named !== undefined && hasOptions, cloud: name, region },
      ...{ env: { ...set, HOME: home }, cwd: join(folder, 'work') },
    };
  });
  const answers = (await python('read_clouds.py', cases)) as Answer[];
  const compared = { client: 0, library: 0 };
  for (const [index, each] of cases.entries()) {
    const answer = answers[index];
    if (answer === undefined) throw new Error('no answer');
    if (unequal.test(answer.error ?? '')) continue;
    const expected =
      answer.error === undefined
        ? { ...answer, interface: [answer.interface].flat(), auth: useful(answer.type, answer.auth) }
        : { error: true };
    expect({ index, each, samples: samples[index], ...(await ours(each)) }).toEqual({
      index,
      each,
      samples: samples[index],
      ...expected,
    });
    if (answer.error === undefined) compared[each.client ? 'client' : 'library'] += 1;
  }
  expect(compared.client).toBeGreaterThan(20);
  expect(compared.library).toBeGreaterThan(50);
});

test('plain scalars become the text that openstacksdk makes of them', async () => {
  const part = fc.constantFrom(...'0123456789.eE+-_:xbaf~', 'inf', 'nan', 'yes', 'no', 'y', 'Off', 'null', '00', '1.');
  const plain = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => `k: ${parts.join('')}`);
  const texts = fc.sample(plain, { numRuns: 2000, seed: 7 });
  const expected = (await python('read_scalars.py', texts)) as unknown[];
  const found = texts.map((text) => {
    try {
      return (parsePython(text, 'yaml') as { k: unknown }).k;
    } catch {
      return 'an error';
    }
  });
  expect(found.map((value, index) => [texts[index], value])).toEqual(
    expected.map((value, index) => [texts[index], value]),
  );
});
