#!/usr/bin/env bash
# The whole suite. Skipped tests are listed at the end with their reasons; in CI there may be none.
# Arguments go to pytest.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

report="$(mktemp)"
trap 'rm -f "$report"' EXIT
.venv/bin/pytest --numprocesses auto --dist loadfile --junitxml "$report" "$@"
outcome=$?
.venv/bin/python scripts/report_skips.py "$report" || outcome=1
exit "$outcome"
