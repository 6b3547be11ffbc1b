import { defineConfig } from 'vitest/config';

/** Tests that boot guests: they share two cores and a checkpoint store, so files run one after the other. */
const guests = { testTimeout: 900_000, hookTimeout: 1_800_000, fileParallelism: false, maxConcurrency: 2 };

/** Tests against Keystone, Glance and Barbican, which the set-up starts once for all files. */
const servers = {
  globalSetup: 'test/support/cloud/setup.ts',
  testTimeout: 120_000,
  hookTimeout: 120_000,
  fileParallelism: false,
};

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 30_000,
          // A busy machine takes its time to start a program.
          expect: { poll: { timeout: 20_000 } },
        },
      },
      { test: { name: 'cli', include: ['test/cli/**/*.test.ts'], testTimeout: 60_000 } },
      { test: { name: 'vm', include: ['test/vm/**/*.test.ts'], ...guests } },
      { test: { name: 'installs', include: ['test/installs/**/*.test.ts'], ...guests } },
      { test: { name: 'services', include: ['test/services/**/*.test.ts'], ...servers } },
      { test: { name: 'releases', include: ['test/releases/**/*.test.ts'], ...guests } },
      { test: { name: 'systems', include: ['test/systems/**/*.test.ts'], ...guests } },
      { test: { name: 'long', include: ['test/long/**/*.test.ts'], ...guests } },
      { test: { name: 'kills', include: ['test/kills/**/*.test.ts'], ...guests } },
      { test: { name: 'media', include: ['test/vm/rhel7.test.ts'], ...guests } },
    ],
  },
});
