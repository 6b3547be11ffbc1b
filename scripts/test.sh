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
run_project() {
  local report=$results/$1.json
  printf '\ntest: %s\n' "$1"
  npx vitest run --project "$1" --reporter=default --reporter=json --outputFile.json="$report" "${@:2}" && return
  # Vitest also fails for errors outside of tests, and when it dies: neither must pass for a run without failures.
  grep -qs '"success":false' "$report" || echo '{"success":false}' >"$results/$1-crashed.json"
}
# Of the quick ones each keeps one core busy, so they run side by side; virtual machines have the host to themselves.
for project in "${projects[@]}"; do
  case $project in
    unit | cli) run_project "$project" "$@" >"$results/$project.log" 2>&1 & ;;
  esac
done
wait
cat "$results"/*.log 2>/dev/null || true
for project in "${projects[@]}"; do
  case $project in
    unit | cli) ;;
    *) run_project "$project" "$@" ;;
  esac
done
printf '\n'
node scripts/test-summary.mjs "$results"/*.json
