import { z } from 'zod';
import type { View } from '../../answers/templates.ts';
import { duration, line, url } from '../../recipe/values.ts';
import { command } from './command-keys.ts';

const selections = ['security', 'all'] as const;

const chosen = z.strictObject({
  select: z.enum(selections).describe('Which updates are installed.'),
  server: url('the URL of a WSUS server, like https://wsus.example.com:8531', /^https?:\/\/\S+$/)
    .refine((value) => /^[A-Za-z0-9.:/[\]_~-]+$/.test(value), {
      error: 'expected a URL of letters, digits, dots, hyphens and the like: it stands in a batch file',
    })
    .optional()
    .describe('WSUS server that the updates come from. By default Microsoft. The image keeps nothing of it.'),
  except: z
    .array(line('a KB number like KB5034439', /^KB\d{6,8}$/))
    .prefault([])
    .describe('Updates that are not installed, by their KB numbers.'),
  before: z
    .array(command)
    .prefault([])
    .describe(
      'Your own commands, like those of `commands`, that run before the updates: to trust the CA of a server, or to add what the updates should cover too.',
    ),
  maxAge: duration(366).optional().describe('Age, such as 20h or 7d.'),
});

/** `install.updates` of a recipe. */
export const updatesKey = z
  .union([z.enum(['none', ...selections]), chosen], {
    error: 'expected none, security, all, or { select: security } with server, except, before or maxAge',
  })
  .prefault('none')
  .describe(
    'Updates that Windows Update installs before Cloudbase-Init and `commands`: `security` for those that Microsoft classifies as security and critical updates, `all` for all that it recommends, except another release, definitions of Defender and drivers. Then the build cleans the component store. Updates older than `maxAge` (by default 7d) are not reused from a checkpoint.',
  );

type Updates = Omit<z.output<typeof chosen>, 'maxAge'> & { maxAge: number };

/** Seconds; Microsoft publishes updates once a month, and sometimes between. */
const usualMaxAge = 7 * 86_400;

/** The updates that a recipe wants, if any. */
export function updatesOf({ install }: { install: { updates: z.output<typeof updatesKey> } }): Updates | undefined {
  const { updates } = install;
  if (updates === 'none') return undefined;
  if (typeof updates === 'string') return { select: updates, except: [], before: [], maxAge: usualMaxAge };
  return { ...updates, maxAge: updates.maxAge ?? usualMaxAge };
}

/** What updates.ps1.hbs may use. */
export function updatesView({ select, server, except }: Updates): View {
  return {
    security: select === 'security',
    managed: server !== undefined,
    except: except.map((kb) => `'${kb}'`).join(', '),
  };
}
