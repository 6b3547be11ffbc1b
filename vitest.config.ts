import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

/** Gives each file of tests folders of its own. */
const eachFile = 'test/support/each-file.ts';

/**
 * Tests that boot guests: they share two cores and a checkpoint store, so files run one after the other. On a machine that is busy
 * with other projects everything takes six times as long: only what hangs is cut off.
 */
const guests = { testTimeout: 3_600_000, hookTimeout: 3_600_000, fileParallelism: false, maxConcurrency: 2 };

/** Tests against Keystone, Glance and Barbican, which the set-up starts once for all files. */
const servers = {
  globalSetup: 'test/support/cloud/setup.ts',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  fileParallelism: false,
};

/** Vitest leaves a core to itself, which of two is one too many: it has little to do. */
const maxWorkers = Math.max(2, availableParallelism() - 1);

/** Its files share processes and modules: to load these anew for each takes as long as the tests. */
const unit = {
  maxWorkers,
  setupFiles: [eachFile, 'test/support/templates-once.ts'],
  isolate: false,
  testTimeout: 30_000,
  hookTimeout: 60_000,
  // A busy machine takes its time to start a program.
  expect: { poll: { timeout: 20_000 } },
};

/** execa itself, where a build has a copy of it in one file. */
const ssr = { resolve: { conditions: ['source', 'module', 'node'] } };

function project(name: string, options: object, include = `test/${name}/**/*.test.ts`) {
  return { ssr, test: { name, include: [include], setupFiles: eachFile, ...options } };
}

/** Files for figures, or for what not every machine can do. They are left out here, for of a file that is skipped as a whole Vitest runs no hook. */
function onRequest(variable: string, file: string): { exclude: string[] } {
  return { exclude: process.env[variable] === undefined ? [file] : [] };
}

/** What each of them is for, and how long it takes, is in test/README.md. */
export default defineConfig({
  test: {
    projects: [
      project('unit', unit),
      project('cli', {
        ...{ maxWorkers, testTimeout: 60_000, hookTimeout: 60_000 },
        ...onRequest('VMKILN_QUEUE_LOAD', 'test/cli/queue-load.test.ts'),
      }),
      project('vm', guests),
      project('installs', guests),
      project('services', servers),
      project('releases', guests),
      project('systems', guests),
      project('long', { ...guests, ...onRequest('VMKILN_CONTAINER', 'test/long/container.test.ts') }),
      project('media', guests, 'test/vm/rhel7.test.ts'),
    ],
  },
});
