#!/usr/bin/env bash
# Rehearses the RHEL 7 recipe on practice media and leaves the image in ./images. Options go to `vmkiln rehearse`.
# With --real it builds Debian 12 from Debian's own packages instead: an image that can be used.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
if [ "${1-}" = --real ]; then
  shift
  exec node dist/cli.js rehearse recipes/debian12.yaml --out ./images "$@"
fi
exec node dist/cli.js rehearse recipes/rhel7.yaml --out ./images "$@"
