#!/usr/bin/env bash
# Uploads one file of 4 GiB with `curl -T` and with `vmkiln upload`, in turns, to one Image service that it starts, and
# prints seconds and the largest memory of each run. Needs scripts/packages-tests.apt, curl, 10 GiB in WORK, and a
# machine that does nothing else.
#
# Usage: scripts/bench/upload.sh [ROUNDS] [MIB]    (default: 3 rounds of 4096 MiB; WORK=/var/tmp)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

rounds=${1:-3} mib=${2:-4096}
work=$(mktemp -d "${WORK:-/var/tmp}/vmkiln-upload.XXXXXX")
coproc cloud { exec python3 test/support/cloud/cloud.py "$work/cloud"; }
finish() {
  # The servers end with their standard input.
  # shellcheck disable=SC1083 # closes the file descriptor whose number the array holds
  exec {cloud[1]}>&- || true
  wait "$cloud_PID" 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
read -r servers <&"${cloud[0]}"
url=$(node -p 'JSON.parse(process.argv[1]).one' "$servers")
export OS_CLIENT_CONFIG_FILE=$work/cloud/clouds.yaml VMKILN_HOME=$work/home
token=$(openstack --os-cloud test token issue -f value -c id)
api() { curl -sS -H "X-Auth-Token: $token" -H 'Content-Type: application/json' "$@"; }

head -c 64M /dev/urandom >"$work/piece"
for _ in $(seq $((mib / 64))); do cat "$work/piece"; done >"$work/image.raw"

measure() {
  /usr/bin/time -o "$work/time" -f "$1 %e s (%U user, %S system), %M KiB" "${@:2}" >"$work/said" 2>&1 || cat "$work/said"
  cat "$work/time"
}
for round in $(seq "$rounds"); do
  body='{"name": "curl", "disk_format": "raw", "container_format": "bare"}'
  id=$(api "$url/v2/images" -d "$body" | node -p 'JSON.parse(require("fs").readFileSync(0)).id')
  measure "curl -T       " curl -sS -T "$work/image.raw" -H "X-Auth-Token: $token" \
    -H 'Content-Type: application/octet-stream' "$url/v2/images/$id/file"
  api -X DELETE "$url/v2/images/$id"
  # A file never seen before, whose checksum has to be computed; the same with its checksum known, as a build knows that
  # of its image; and an image that is there already.
  rm -rf "$VMKILN_HOME"
  upload=(node dist/cli.js upload "$work/image.raw" --to test --disk-format raw --name)
  measure "vmkiln, new   " "${upload[@]}" "new-$round"
  node dist/cli.js image delete "new-$round" --os-cloud test >/dev/null
  measure "vmkiln, known " "${upload[@]}" "known-$round"
  measure "vmkiln, there " "${upload[@]}" "known-$round"
  node dist/cli.js image delete "known-$round" --os-cloud test >/dev/null
done
