#!/usr/bin/env bash
# Sets up, then runs the tests. At the end it says how long each project took, and in the last line
# `N passed, N failed, N skipped` over all of them. A project that leaves files behind has failed.
#
# Usage: scripts/test.sh default|all|systems|media [vitest options]
#   default  unit, command line, VM and server tests
#   all      these, every other operating system, the long ones, and a few builds killed at random (VMKILN_KILLS, 3)
#   systems  every other operating system, rehearsed from its recipe
#   media    the assertions of the VM tests on a real DVD, whose path is in VMKILN_REAL_ISO
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kind=${1:-default}
shift || true
case $kind in
  default) groups=('unit cli' 'services vm installs') ;;
  all) groups=('unit cli' 'systems vm services long installs releases') ;;
  systems) groups=(releases systems) ;;
  media)
    groups=(media)
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
folder=$(mktemp -d /var/tmp/vmkiln-tests.XXXXXX)
chmod 0711 "$folder"
trap 'rm -rf "$results" "$folder"' EXIT
run_project() {
  local report=$results/$1.json began=$SECONDS left
  # A folder of its own: none of them takes what another is using for something left behind.
  export VMKILN_TEST_FOLDER=$folder/$1 TMPDIR=$folder/$1/tmp
  mkdir -m 0711 "$VMKILN_TEST_FOLDER"
  mkdir -m 1777 "$TMPDIR"
  printf '\ntest: %s\n' "$1"
  npx vitest run --project "$1" --reporter=default --reporter=json --outputFile.json="$report" "${@:2}" ||
    # Vitest also fails for errors outside of tests, and when it dies: neither must pass for a run without failures.
    grep -qs '"success":false' "$report" || echo '{"success":false}' >"$results/$1-crashed.json"
  left=$(find "$VMKILN_TEST_FOLDER" -mindepth 1 -not -path "$TMPDIR")
  if [ -n "$left" ]; then
    echo '{"success":false}' >"$results/$1-left-behind.json"
    # With the times, at the end: of a long log that is what everybody sees.
    printf 'test: %s left behind %s\n' "$1" "$(head -n 20 <<<"$left" | tr '\n' ' ')" >>"$results/times"
  fi
  # Its programs, and not what libvirt runs for it.
  times >"$results/$1-processor"
  echo "test: $1 took $((SECONDS - began)) s and ended after $SECONDS s, of processor $(sed -n '2s/ / and /p' "$results/$1-processor")" >>"$results/times"
}
# Each job has a process group of its own, with which all that it has started ends.
set -m
# Who is cut off wants to know where the time went, and what was still running.
stopped() {
  for job in $(jobs -p); do kill -- "-$job"; done
  wait
  tail -n 15 "$results"/*.log
  cat "$results/times"
  exit 130
}
trap stopped INT TERM
# A project keeps less than one core busy: three of a group run at once, the longest first, and each prints when it has ended.
# The releases keep two guests busy by themselves, and come last.
for group in "${groups[@]}"; do
  for project in $group; do
    while [ "$(jobs -pr | wc -l)" -ge 3 ]; do wait -n || true; done
    printf 'test: %s begins\n' "$project"
    {
      run_project "$project" "$@" >"$results/$project.log" 2>&1 ||
        echo '{"success":false}' >"$results/$project-crashed.json"
      cat "$results/$project.log"
    } </dev/null &
  done
  wait
done
printf '\n'
cat "$results/times"
node scripts/test-summary.mjs "$results"/*.json
