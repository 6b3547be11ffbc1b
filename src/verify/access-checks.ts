import { patternOf } from './expectation.ts';
import { type Facts, lines, word } from './facts.ts';
import type { Check } from './sight.ts';

/** Whether sshd says, of itself or of how it treats one of the users, that an option has that value; names are in lower case. */
function sshdHas(facts: Facts, option: string, value: string): boolean {
  return lines(facts, 'sshd').includes(`${option} ${value}`);
}

/** Who may log in, and by what. */
export const accessChecks: readonly Check[] = [
  {
    name: 'root-login',
    judge: ({ facts, wanted }) => {
      if (wanted.root === 'none' && Number(word(facts, 'root-keys')) > 0 && !sshdHas(facts, 'permitrootlogin', 'no')) {
        return 'root may log in by SSH with the key of the instance';
      }
      if (wanted.rootPassword) return undefined;
      const state = lines(facts, 'passwords').find((line) => line.startsWith('root '));
      return state === undefined
        ? undefined
        : `root has ${state === 'root empty' ? 'an empty password' : 'a password'}`;
    },
  },
  {
    name: 'passwords',
    judge: ({ facts }) => {
      const users = lines(facts, 'passwords').filter((line) => !line.startsWith('root '));
      const those = (state: string) =>
        users.filter((line) => line.endsWith(` ${state}`)).map((line) => line.split(' ')[0]);
      const [set, empty] = [those('set'), those('empty')];
      if (empty.length > 0) return `an empty password lets in ${empty.join(', ')}`;
      return set.length === 0 ? undefined : `a password is set for ${set.join(', ')}`;
    },
  },
  {
    name: 'password-login',
    judge: ({ facts, wanted }) => {
      if (lines(facts, 'sshd').length === 0) return 'sshd does not say how it is configured (sshd -T)';
      const isOn = (option: string) => sshdHas(facts, option, 'yes');
      if (isOn('permitemptypasswords')) return 'sshd accepts empty passwords (PermitEmptyPasswords yes)';
      if (wanted.root === 'password') return undefined;
      if (isOn('passwordauthentication')) return 'sshd accepts passwords (PasswordAuthentication yes)';
      // The other way to ask for one, by PAM: sshd_config(5). Its older name is printed as well, or alone.
      const asks = ['kbdinteractiveauthentication', 'challengeresponseauthentication'];
      return isOn('usepam') && asks.some(isOn)
        ? 'sshd accepts passwords (KbdInteractiveAuthentication yes, with PAM)'
        : undefined;
    },
  },
  {
    name: 'users',
    judge: ({ facts, wanted }) => {
      const accounts = lines(facts, 'accounts').map((line) => line.split(' '));
      const roots = accounts.filter(([user, id]) => id === '0' && user !== 'root').map(([user]) => user);
      if (roots.length > 0) return `${roots.join(', ')} has the user id of root`;
      const others = accounts.filter(
        ([user, id, shell = '']) => id !== '0' && user !== wanted.user && !/nologin|false$/.test(shell),
      );
      return others.length === 0
        ? undefined
        : `there is another user who may log in: ${others.map(([user]) => user).join(', ')}`;
    },
  },
  {
    name: 'authorized-keys',
    judge: ({ facts, wanted, key }) => {
      const kept = wanted.kept.map(patternOf);
      const [foreign] = lines(facts, 'authorized-keys')
        .map((line) => /^(\S+) (.*) (\S+)$/.exec(line) ?? [])
        .filter(([, , file = '', blob]) => blob !== key && !kept.some((pattern) => pattern.test(file)));
      return foreign === undefined
        ? undefined
        : `a key that is not the instance's lets ${foreign[1]} in: ${foreign[2]}`;
    },
  },
];
