// Names the tests that failed, and sums vitest's JSON reports into one line. Exits 1 when something failed, or when nothing ran.
// With CI set, a skipped test of virtual machines and of servers counts as failed: CI is there to run them.
import { readFileSync } from 'node:fs';
import { basename } from 'node:path';

const total = { passed: 0, failed: 0, skipped: 0 };
for (const path of process.argv.slice(2)) {
  const project = basename(path, '.json');
  const mustRun =
    Boolean(process.env.CI) && ['vm', 'installs', 'services', 'releases', 'systems', 'long'].includes(project);
  const report = JSON.parse(readFileSync(path, 'utf8'));
  const files = report.testResults ?? [];
  const before = total.failed;
  for (const file of files) {
    for (const test of file.assertionResults) {
      if (test.status === 'passed') total.passed++;
      else if (test.status === 'failed') fail(project, test.fullName, test.failureMessages?.[0]);
      else if (mustRun) {
        total.failed++;
        console.log(`skipped, which CI counts as failed: ${test.fullName}`);
      } else total.skipped++;
    }
    // A file that could not even be loaded has no tests that could fail.
    if (file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')) {
      fail(project, basename(file.name), file.message);
    }
  }
  // An error outside of any test, or a run that never finished.
  if (report.success !== true && total.failed === before) fail(project, 'an error outside of its tests');
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed > 0 || total.passed === 0 ? 1 : 0;

function fail(project, name, message = '') {
  total.failed++;
  console.log(`failed: ${project}: ${name}: ${message.split('\n')[0]}`);
}
