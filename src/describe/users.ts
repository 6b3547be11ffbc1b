import { byText, type User } from './inventory.ts';

/** The accounts of passwd(5), with their groups of group(5) and what shadow(5) says of their passwords. */
export function usersOf(passwd: string, group: string, shadow: string): User[] {
  const first = new Map<string, string>();
  const others = new Map<string, string[]>();
  for (const [name = '', , gid = '', members = ''] of rows(group)) {
    if (!first.has(gid)) first.set(gid, name);
    for (const member of new Set(members.split(','))) {
      const list = others.get(member);
      if (list) list.push(name);
      else others.set(member, [name]);
    }
  }
  const hashes = new Map(rows(shadow).map(([name = '', hash = '']) => [name, hash]));
  return rows(passwd)
    .map(([name = '', hash = '', uid = '', gid = '', comment = '', home = '', shell = '']) => {
      const own = first.get(gid) ?? gid;
      const more = (others.get(name) ?? []).filter((other) => other !== own);
      return {
        name,
        uid: Number(uid),
        gid: Number(gid),
        comment,
        home,
        shell,
        groups: [own, ...more.toSorted(byText)],
        password: passwordOf(hash === 'x' ? (hashes.get(name) ?? '!') : hash),
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
