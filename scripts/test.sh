#!/usr/bin/env bash
# The whole suite. Skipped tests are listed at the end with their reasons; in CI there may be none.
# Arguments go to pytest; with any, only pytest runs.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH" # Node may have been installed there

report="$(mktemp)"
trap 'rm -f "$report"' EXIT
outcome=0
if [ $# -eq 0 ]; then
  (cd web && npm run --silent test) || outcome=1
fi
pytest --numprocesses auto --dist loadfile --no-loadscope-reorder --junitxml "$report" "$@" || outcome=1
python scripts/report_skips.py "$report" || outcome=1
exit "$outcome"
