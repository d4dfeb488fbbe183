#!/usr/bin/env bash
# Strike the whole mesh under load, kill workers of the queue by the hundred, run ten thousand simulated schedules, and
# print a scoreboard; its last line is JSON. A quarter of an hour on two cores that do nothing else; --full adds forty
# real trainings that are killed (as long again). Other arguments go to pytest, such as `-k sqlite`; what earlier runs
# measured is kept then. A schedule is drawn from OMA_CHAOS_SEED (1).
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

export OMA_CHAOS_FIGURES="$PWD/var/chaos" OMP_NUM_THREADS=1 PYTHONPATH="$PWD:$PWD/gen"
case "${1:-}" in
  "") rm -rf "$OMA_CHAOS_FIGURES"; set -- --ignore tests/chaos/test_trainings.py ;;
  --full) rm -rf "$OMA_CHAOS_FIGURES"; shift ;;
esac
outcome=0
.venv/bin/pytest -m chaos tests/chaos "$@" || outcome=1
.venv/bin/python -m tests.chaos.scoreboard "$OMA_CHAOS_FIGURES" || outcome=1
exit "$outcome"
