#!/usr/bin/env bash
# Kill, stop and restart real processes by the hundred, run ten thousand simulated schedules, and print a scoreboard;
# its last line is JSON. Arguments go to pytest, such as `-k sqlite`; what earlier runs measured is kept then.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

export OMA_CHAOS_FIGURES="$PWD/var/chaos" OMP_NUM_THREADS=1 PYTHONPATH="$PWD:$PWD/gen"
[ $# -eq 0 ] && rm -rf "$OMA_CHAOS_FIGURES"
outcome=0
.venv/bin/pytest -m chaos tests/chaos "$@" || outcome=1
.venv/bin/python -m tests.chaos.scoreboard "$OMA_CHAOS_FIGURES" || outcome=1
exit "$outcome"
