#!/usr/bin/env bash
# Lints what is not TypeScript: the shell scripts and Python programs of the tree, those of the practice media above all, and
# the scripts that are rendered for guests. Without shellcheck or flake8 it says what it leaves out; with CI set it fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# The files whose name ends in .$2, or whose first line names an interpreter that matches $1.
files() {
  git ls-files -co --exclude-standard -- .ci packaging scripts src test ':!test/unit/golden' | while read -r file; do
    [ -f "$file" ] || continue
    if [[ $file = *.$2 ]] || head -n 1 "$file" | LC_ALL=C grep -aqE "^#!.*$1"; then echo "$file"; fi
  done
}

# Whether a program is there.
have() {
  command -v "$1" >/dev/null && return
  echo "lint: $1 is not installed, so its files are not read; scripts/setup.sh installs it" >&2
  [ -z "${CI:-}" ] || exit 1
  return 1
}

if have shellcheck; then
  files '\b(ba|da)?sh\b' sh | xargs shellcheck --severity=warning
  # A guest runs these with its /bin/sh; `read` has to name the columns that it passes over.
  shellcheck --severity=warning --shell=dash --exclude=SC2034 test/unit/golden/*/*.sh
fi
if have flake8; then files python py | xargs flake8; fi
