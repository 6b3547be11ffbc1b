import { posix } from 'node:path';
import { z } from 'zod';
import { guestPath, hostPath, line, show } from '../../recipe/values.ts';

const mode = () => line('an octal mode in quotes, like "0644"', /^[0-7]{3,4}$/);
/** A name of the portable filename character set (POSIX, Base Definitions, "User Name"), or a number, as chown(1) takes it. */
const owner = () => line('USER or USER:GROUP', /^[A-Za-z0-9_][\w.-]*(:[A-Za-z0-9_][\w.-]*)?$/);

/**
 * Folders that every system has (hier(7)): virt-customize puts a file into a folder of its name, and the mode and owner of the
 * step would be those of the folder.
 */
const folders = new Set(
  '/bin /boot /dev /etc /etc/ssh /etc/sysconfig /etc/systemd /etc/systemd/system /etc/yum.repos.d /home /lib /lib64 /media /mnt /opt /proc /root /run /sbin /srv /sys /tmp /usr /usr/bin /usr/lib /usr/libexec /usr/local /usr/local/bin /usr/local/lib /usr/local/sbin /usr/sbin /usr/share /var /var/cache /var/lib /var/log /var/spool /var/tmp'.split(
    ' ',
  ),
);

/** The path of a file in the guest, and of no folder. */
const guestFile = () =>
  guestPath().refine((path) => !path.endsWith('/') && !folders.has(posix.normalize(path)), {
    error: ({ input }) =>
      `expected the path of a file, got the folder ${show(input)}: write ${String(input).replace(/\/*$/, '/')}NAME`,
  });

const steps = {
  run: z
    .union(
      [
        z.string().min(1),
        z.strictObject({
          script: hostPath().describe(
            'Your own shell script; /bin/sh in the guest runs it, whatever its first line says.',
          ),
        }),
      ],
      {
        error: ({ input }) =>
          `expected a shell command, or { script: PATH }${Array.isArray(input) ? ', got a list: write a step for each, - run: COMMAND' : ''}`,
      },
    )
    .describe(
      'A shell command, or your own script, that runs in the guest. The system is not booted: no services, no systemd.',
    ),
  upload: z
    .strictObject({
      from: hostPath().describe('Your own file; relative to the recipe.'),
      to: guestFile().describe('Path of the file in the guest.'),
      mode: mode().prefault('0644').describe('Permissions, octal, in quotes.'),
      owner: owner().prefault('root:root').describe('Owner, as USER or USER:GROUP of the guest, by name or number.'),
    })
    .describe('Copies your own file into the guest.'),
  write: z
    .strictObject({
      path: guestFile().describe('The file in the guest.'),
      content: z.string().describe('The whole content of the file.'),
      mode: mode().prefault('0644').describe('Permissions, octal, in quotes.'),
    })
    .describe('Writes a file in the guest.'),
  mkdir: guestPath().describe('Makes a directory in the guest, and its parents.'),
  delete: guestPath()
    .refine((path) => !/^\/\*?$/.test(posix.normalize(path)), {
      error: 'expected something less than the whole system',
    })
    .describe('Deletes a file, or a directory with its contents; shell patterns are allowed.'),
  chmod: z
    .strictObject({
      path: guestPath().describe('The file in the guest.'),
      mode: mode().describe('Permissions, octal, in quotes.'),
    })
    .describe('Changes permissions.'),
  link: z
    .strictObject({ target: guestPath().describe('What the link points to.'), path: guestPath().describe('The link.') })
    .describe('Makes a symbolic link.'),
};

/** One step of `customize`: an object with exactly one of these keys. */
export const step = z
  .strictObject({
    run: steps.run.optional(),
    upload: steps.upload.optional(),
    write: steps.write.optional(),
    mkdir: steps.mkdir.optional(),
    delete: steps.delete.optional(),
    chmod: steps.chmod.optional(),
    link: steps.link.optional(),
  })
  .refine((value) => Object.keys(value).length === 1, {
    error: `expected exactly one of ${Object.keys(steps).join(', ')}`,
  })
  .meta({ minProperties: 1, maxProperties: 1 });

export type Step = z.output<typeof step>;
