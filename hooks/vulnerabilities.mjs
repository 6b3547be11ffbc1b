// Counts the known vulnerabilities of an image, for `afterBuild`: feeds its bill of materials to trivy or grype, whichever is on the PATH, or
// the one that VMKILN_SCANNER names. With VMKILN_FAIL_ON=critical (high, medium, low) one that is as severe keeps the image from its targets.
// A scanner that does not know the system finds nothing, which is no good news: that is a failure.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { $, which } from 'zx';

const severities = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'];
// trivy's own words for systems (pkg/fanal/types/const.go), where they are not those of os-release(5).
const trivyNames = { rhel: 'redhat', almalinux: 'alma', ol: 'oracle' };

const failOn = process.env.VMKILN_FAIL_ON ?? '';
if (failOn !== '' && !severities.slice(0, 4).includes(failOn)) {
  throw new Error(`VMKILN_FAIL_ON is "${failOn}", not one of ${severities.slice(0, 4).join(', ')}`);
}
const { documents, folder } = JSON.parse(readFileSync(process.env.VMKILN_CONTEXT ?? '', 'utf8'));
if (documents?.sbom === undefined) throw new Error('there is no bill of materials: the recipe says describe: false');
const scanner = process.env.VMKILN_SCANNER ?? (await firstOf('trivy', 'grype'));
const scan = { trivy, grype }[scanner];
if (scan === undefined) throw new Error(`VMKILN_SCANNER is "${scanner}", not trivy or grype`);

const { system, found } = await scan(documents.sbom);
if (!system) throw new Error(`${scanner} does not know this system, so it would find nothing`);
const counts = Object.fromEntries(severities.map((each) => [each, found.filter((one) => one === each).length]));
const result = { version: 1, scanner, counts };
writeFileSync(join(folder, 'vulnerabilities.json'), `${JSON.stringify(result, null, 2)}\n`);
const told = severities.filter((each) => counts[each] > 0).map((each) => `${counts[each]} ${each}`);
console.log(`known vulnerabilities: ${told.join(', ') || 'none'}`);
const least = severities.indexOf(failOn);
if (severities.some((each, index) => index <= least && counts[each] > 0)) {
  throw new Error(`known vulnerabilities: ${told.join(', ')}; VMKILN_FAIL_ON is ${failOn}`);
}

async function firstOf(...programs) {
  for (const program of programs) if (await which(program, { nothrow: true })) return program;
  throw new Error(`none of ${programs.join(' and ')} is on the PATH`);
}

/** pkg/types/report.go: packages of a system are a result of their own, with vulnerabilities or without. */
async function trivy(sbom) {
  const bom = JSON.parse(readFileSync(sbom, 'utf8'));
  for (const each of bom.components) {
    if (each.type === 'operating-system') each.name = trivyNames[each.name] ?? each.name;
  }
  const copy = join(folder, '.for-trivy.cdx.json');
  try {
    writeFileSync(copy, JSON.stringify(bom));
    const { stdout } = await $`trivy sbom --quiet --format json ${copy}`.quiet();
    const ours = (JSON.parse(stdout).Results ?? []).filter((each) => each.Class === 'os-pkgs');
    const all = ours.flatMap((each) => each.Vulnerabilities ?? []);
    return { system: ours.length > 0, found: all.map((each) => each.Severity.toLowerCase()) };
  } finally {
    rmSync(copy, { force: true });
  }
}

/** grype/presenter/models/document.go: of a system that it does not know, the distribution has no name. */
async function grype(sbom) {
  const { stdout } = await $`grype ${`sbom:${sbom}`} --quiet --output json`.quiet();
  const { distro, matches } = JSON.parse(stdout);
  return { system: distro?.name, found: matches.map((each) => each.vulnerability.severity.toLowerCase()) };
}
