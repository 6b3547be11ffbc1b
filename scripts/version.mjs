// Gives the changelog of a version its date: `npm version` runs it between the new package.json and the commit.
// Fails when the changelog does not begin with that version, and nothing is committed.
import { readFileSync, writeFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const text = readFileSync('CHANGELOG.md', 'utf8');
const [heading, latest] = /^## \[(.*)\] - unreleased$/m.exec(text) ?? [];
if (latest !== version || /^## .*$/m.exec(text)?.[0] !== heading) {
  console.error(`CHANGELOG.md does not begin with "## [${version}] - unreleased": say there what is new`);
  process.exit(1);
}
writeFileSync('CHANGELOG.md', text.replace(heading, `## [${version}] - ${new Date().toISOString().slice(0, 10)}`));
