#!/usr/bin/env bash
# Sets up, then runs the tests; the last line says `N passed, N failed, N skipped` over all of them.
#
# Usage: scripts/test.sh default|all|systems|media [vitest options]
#   default  unit, command line, VM and server tests
#   all      these, every other operating system, and the long ones
#   systems  every other operating system, rehearsed from its recipe
#   media    the assertions of the VM tests on a real DVD, whose path is in VMKILN_REAL_ISO
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=${1:-default}
shift || true
case $kind in
  default) projects=(unit cli vm services) ;;
  all) projects=(unit cli vm services systems long) ;;
  systems) projects=(systems) ;;
  media)
    projects=(media)
    if ! [ -r "${VMKILN_REAL_ISO:-}" ]; then
      echo 'test: set VMKILN_REAL_ISO to the path of an installation DVD' >&2
      exit 2
    fi
    ;;
  *)
    echo 'usage: scripts/test.sh default|all|systems|media [vitest options]' >&2
    exit 2
    ;;
esac

scripts/setup.sh

results=$(mktemp -d)
# QEMU's user must be able to reach the disks of the tests.
VMKILN_TEST_FOLDER=$(mktemp -d /var/tmp/vmkiln-tests.XXXXXX)
chmod 0711 "$VMKILN_TEST_FOLDER"
mkdir -m 1777 "$VMKILN_TEST_FOLDER/tmp"
trap 'rm -rf "$results" "$VMKILN_TEST_FOLDER"' EXIT
export VMKILN_TEST_FOLDER TMPDIR=$VMKILN_TEST_FOLDER/tmp
status=0
# One project after the other: virtual machines and quick tests would slow each other beyond their deadlines.
for project in "${projects[@]}"; do
  grep -q "name: '$project'" vitest.config.ts || continue
  printf '\ntest: %s\n' "$project"
  report=$results/$project.json
  if npx vitest run --project "$project" --reporter=default --reporter=json --outputFile.json="$report" "$@"; then
    continue
  fi
  status=1
  # Vitest also fails for errors outside of tests, and when it dies: neither must pass for a run without failures.
  grep -qs '"success":false' "$report" || echo '{"success":false}' >"$results/$project-crashed.json"
done
printf '\n'
node scripts/test-summary.mjs "$results"/*.json || status=1
exit "$status"
