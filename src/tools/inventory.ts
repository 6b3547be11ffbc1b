import type { ApplianceHost } from '../model.ts';
import type { Call } from './exec.ts';
import { environment, type Question, questionLines } from './guestfs.ts';

/** What is known of a guest by the inspection of libguestfs: each in a file `guest-…`. */
const guestFacts = ['type', 'distro', 'product-name', 'arch', 'major-version', 'minor-version'] as const;

/** Bytes of a file that are copied out at most: the lists of packages and /etc of any system are a tenth of it. */
export const largestCopy = 512 * 1024 ** 2;

/** What follows a command that prints: the first bytes go into a file, one more than is taken, which tells that there were more. */
const into = (file: string) => `| head -c ${largestCopy + 1} > ${file}`;

/**
 * All that an inventory is made of, as files in the current folder, in one launch of guestfish(1). A line that begins with `-` may fail;
 * guestfish runs what a program after `<!` prints, which is how the name of the root gets into commands. The programs of a Windows
 * are listed where there is no /etc. In double quotes, backslashes are guestfish's own.
 */
function script(rpmFormat: string): string {
  const facts = guestFacts.map((fact) => `"-inspect-get-${fact} $root | cat > guest-${fact}"`).join(' ');
  const left = ['vmlinuz*', 'initr*', 'System.map*', '*.img', '*.mod', '*.pf2', '*.mo', '*.efi'];
  return `inspect-get-roots | cat > roots
list-filesystems | cat > filesystems
mountpoints | cat > mountpoints
df | cat > df
<! read root < roots; printf '%s\\n' ${facts}
-tar-out /etc - ${into('etc.tar')}
-tar-out /boot - "excludes:${left.join(' ')}" ${into('boot.tar')}
-download /var/lib/dpkg/status - ${into('dpkg-status')}
-download /var/lib/vmkiln/repositories - ${into('repositories')}
-sh "rpm -qa --queryformat '${rpmFormat}'" ${into('rpm')}
<! read root < roots; test -s etc.tar || printf '%s\\n' "-inspect-list-applications2 $root | cat > programs"
`;
}

/**
 * guestfish(1) on a throw-away overlay: an rpm database of Berkeley DB is locked to be read, and a journal is replayed. It begins with `questions`
 * and prints what they print.
 */
export function guestInventory(
  overlay: string,
  folder: string,
  rpmFormat: string,
  host: ApplianceHost,
  questions: readonly Question[] = [],
): Call {
  return {
    program: 'guestfish',
    args: ['--format=qcow2', '-a', overlay, '-i'],
    input: questionLines(questions) + script(rpmFormat),
    cwd: folder,
    timeout: 900,
    env: environment(host),
  };
}
