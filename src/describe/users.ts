import { byText, type User } from './inventory.ts';

/** The accounts of passwd(5), with their groups of group(5) and what shadow(5) says of their passwords. */
export function usersOf(passwd: string, group: string, shadow: string): User[] {
  const groups = rows(group).map(([name = '', , gid = '', members = '']) => ({
    name,
    gid,
    members: members.split(','),
  }));
  const hashes = new Map(rows(shadow).map(([name = '', hash = '']) => [name, hash]));
  return rows(passwd)
    .map(([name = '', own = '', uid = '', gid = '', comment = '', home = '', shell = '']) => {
      const first = groups.find((each) => each.gid === gid)?.name ?? gid;
      const others = groups.filter(({ members, name: other }) => members.includes(name) && other !== first);
      return {
        name,
        uid: Number(uid),
        gid: Number(gid),
        comment,
        home,
        shell,
        groups: [first, ...others.map((each) => each.name).toSorted(byText)],
        password: passwordOf(own === 'x' ? (hashes.get(name) ?? '!') : own),
      };
    })
    .toSorted((a, b) => byText(a.name, b.name));
}

function rows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.includes(':') && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

/** Nothing encrypts to what begins with `!` or `*`. */
function passwordOf(hash: string): User['password'] {
  if (hash === '') return 'none';
  return /^[!*]/.test(hash) ? 'locked' : 'set';
}
