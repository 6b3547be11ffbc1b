import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { stringify } from 'yaml';
import { readCloud } from '../../src/openstack/clouds-yaml.ts';
import { exec } from '../../src/tools/exec.ts';
import { signal } from '../support/cloud/tools.ts';

type Case = { env: Record<string, string>; cwd: string; cloud?: string | undefined; region?: string | undefined };
type Answer = {
  error?: string;
  name: string;
  region: string;
  interface: string;
  type: string;
  auth: Record<string, string>;
  verify: boolean | string;
  endpoint: string | null;
};

/** What Debian's openstacksdk makes of these. */
async function reference(cases: readonly Case[]): Promise<Answer[]> {
  const script = join(import.meta.dirname, '../support/cloud/read_clouds.py');
  const input = JSON.stringify(cases);
  const { stdout } = await exec({ program: '/usr/bin/python3', args: [script], input, timeout: 110, signal });
  return JSON.parse(stdout) as Answer[];
}

/** The same in our words. Options that the plugin does not know stay outside of `auth` there, and are of no use. */
async function ours(each: Case): Promise<object> {
  try {
    const cloud = await readCloud({ cloud: each.cloud, region: each.region, env: each.env, cwd: each.cwd });
    return {
      name: cloud.name,
      region: cloud.region,
      interface: cloud.interface,
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
        interface: fc.constantFrom('internal', 'public'),
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
    { minKeys: 1 },
  ),
  secure: optional(fc.constant({ clouds: { one: { auth: { password: 'from secure' } } } })),
  place: fc.constantFrom(...places),
  suffix: fc.constantFrom('yaml', 'yml', 'json'),
});
const env = fc.record(
  {
    OS_CLOUD: fc.constantFrom('one', 'two'),
    OS_AUTH_URL: fc.constant('https://env/v3'),
    OS_USERNAME: fc.constant('env user'),
    OS_PASSWORD: fc.constant('env password'),
    OS_PROJECT_NAME: word,
    OS_USER_DOMAIN_NAME: word,
    OS_TENANT_NAME: word,
    OS_INSECURE: fc.constant('true'),
    OS_REGION_NAME: fc.constantFrom('RegionOne', 'RegionTwo'),
  },
  { requiredKeys: [] },
);

test('clouds of many shapes are read as openstacksdk reads them', async () => {
  const root = mkdtempSync(join(tmpdir(), 'vmkiln-clouds-'));
  const samples = fc.sample(fc.tuple(optional(files), env, optional(fc.constantFrom('one', 'two'))), {
    numRuns: 100,
    seed: 7,
  });
  const cases = samples.map(([file, variables, name], index): Case => {
    const folder = join(root, String(index));
    for (const place of places) mkdirSync(join(folder, place), { recursive: true });
    for (const kind of ['clouds', 'secure'] as const) {
      const content = kind === 'clouds' ? file && { clouds: file.clouds } : file?.secure;
      if (!content || !file) continue;
      const path = join(folder, file.place, `${kind}.${file.suffix}`);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, file.suffix === 'json' ? JSON.stringify(content) : stringify(content));
    }
    const region = variables.OS_REGION_NAME;
    return { env: { ...variables, HOME: join(folder, 'home') }, cwd: join(folder, 'work'), cloud: name, region };
  });
  const answers = await reference(cases);
  let compared = 0;
  for (const [index, each] of cases.entries()) {
    const answer = answers[index];
    if (answer === undefined) throw new Error('no answer');
    // A cloud with too little for its login is refused later, in better words; one with too much is not.
    if (/Auth plugin requires parameters|unexpected keyword argument/.test(answer.error ?? '')) continue;
    const expected =
      answer.error === undefined ? { ...answer, auth: useful(answer.type, answer.auth) } : { error: true };
    expect({ index, each, samples: samples[index], ...(await ours(each)) }).toEqual({
      index,
      each,
      samples: samples[index],
      ...expected,
    });
    compared += answer.error === undefined ? 1 : 0;
  }
  expect(compared).toBeGreaterThan(50);
});
