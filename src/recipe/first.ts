import { isMap, isScalar, parseDocument } from 'yaml';

/** How a guest reaches packages while it is built: a Red Hat account, an activation key, or repositories of one's own. */
export const registrations = ['account', 'key', 'none'] as const;

/** What a person wants of a first recipe; what is left out stays as in the recipe it starts from. */
export type FirstRecipe = {
  name: string;
  /** Path or URL of the installation DVD. */
  iso?: string | undefined;
  /** A size such as `20G`. */
  disk?: string | undefined;
  registration?: (typeof registrations)[number] | undefined;
  /** Base URL of a repository, for `registration: none`. */
  repository?: string | undefined;
  /** What the comment for editors names: path or URL of the JSON Schema. */
  schema: string;
};

/**
 * A recipe of one's own, made from a shipped one: its comments and the order of its keys stay. The comment that explains the
 * shipped file itself goes.
 */
export function firstRecipe(shipped: string, wanted: FirstRecipe): string {
  const document = parseDocument(shipped);
  document.commentBefore = ` yaml-language-server: $schema=${wanted.schema}`;
  const [first] = isMap(document.contents) ? document.contents.items : [];
  if (isScalar(first?.key)) first.key.commentBefore = null;
  document.set('name', wanted.name);
  if (wanted.iso !== undefined) {
    document.setIn(['source', document.hasIn(['source', 'image']) ? 'image' : 'iso'], wanted.iso);
    document.deleteIn(['source', 'sha256']);
  }
  if (wanted.disk !== undefined) document.setIn(['disk', 'size'], wanted.disk);
  if (document.has('subscription')) {
    if (wanted.registration === 'key') {
      document.deleteIn(['subscription', 'username']);
      document.deleteIn(['subscription', 'password']);
      document.setIn(['subscription', 'organization'], flow({ env: 'RHSM_ORG' }));
      document.setIn(['subscription', 'activationKey'], flow({ env: 'RHSM_ACTIVATION_KEY' }));
    }
    if (wanted.registration === 'none') document.delete('subscription');
  }
  if (wanted.repository !== undefined) {
    document.set('repositories', document.createNode([{ id: 'internal', baseurl: wanted.repository }]));
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });

  function flow(value: unknown) {
    const node = document.createNode(value);
    if (isMap(node)) node.flow = true;
    return node;
  }
}

/** Names of the environment variables that a recipe takes secrets from. */
export function secretNames(text: string): string[] {
  return [...text.matchAll(/\benv: *([A-Za-z_][A-Za-z0-9_]*)/g)].flatMap(([, name]) => name ?? []);
}
