#!/usr/bin/env bash
# Rehearses the RHEL 7 recipe on practice media and leaves the image in ./images. Options go to `vmkiln rehearse`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/setup.sh
exec node dist/cli.js rehearse recipes/rhel7.yaml --out ./images "$@"
