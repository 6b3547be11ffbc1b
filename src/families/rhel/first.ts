import { type Document, isMap } from 'yaml';
import type { First } from '../first.ts';

/** How a guest reaches packages while it is built: a Red Hat account, an activation key, or repositories of one's own. */
const registrations = {
  account: 'a user and password of Red Hat or a Satellite',
  key: 'an activation key',
  none: 'no registration: repositories of your own',
};

/** The questions about packages, and what their answers make of a shipped recipe. */
export const first: First = {
  questions: [
    {
      option: 'registration',
      text: 'Where packages come from',
      usual: 'account',
      choices: registrations,
      isRaised: (recipe) => 'subscription' in recipe,
    },
    {
      option: 'repository',
      text: 'URL of a repository',
      usual: 'none',
      isAsked: ({ registration }, recipe) => registration === 'none' || !('subscription' in recipe),
    },
  ],
  write: (document, { registration, repository }) => {
    if (document.has('subscription')) {
      if (registration === 'key') {
        document.deleteIn(['subscription', 'username']);
        document.deleteIn(['subscription', 'password']);
        document.setIn(['subscription', 'organization'], secretFrom('RHSM_ORG', document));
        document.setIn(['subscription', 'activationKey'], secretFrom('RHSM_ACTIVATION_KEY', document));
      }
      if (registration === 'none') document.delete('subscription');
    }
    if (repository !== undefined) {
      document.set('repositories', document.createNode([{ id: 'internal', baseurl: repository }]));
    }
  },
};

/** `{ env: NAME }`, on one line. */
function secretFrom(name: string, document: Document) {
  const node = document.createNode({ env: name });
  if (isMap(node)) node.flow = true;
  return node;
}
