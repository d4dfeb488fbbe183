#!/usr/bin/env bash
# The web app in the system's Chromium, through the gateway and every service. With --smoke only what takes seconds of
# processor time, which is what the whole suite runs as well. Other arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."

chosen=(-m "slow or not slow")
if [ "${1:-}" = "--smoke" ]; then
  chosen=()
  shift
fi
exec .venv/bin/pytest -q --numprocesses 0 "${chosen[@]}" tests/web "$@"
