#!/usr/bin/env bash
# Every check that needs no running program. All of them run; what failed is named at the end.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export PATH="$PWD/.venv/bin:$PATH" PYTHONPATH="$PWD:$PWD/gen"

failed=()
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

check() { # check <name> <command>...
  local name="$1"
  shift
  if "$@" >"$scratch/said" 2>&1; then
    printf 'ok      %s\n' "$name"
  else
    printf 'FAILED  %s\n' "$name"
    sed 's/^/        /' "$scratch/said"
    failed+=("$name")
  fi
}

breaking_protos() {
  local against
  for against in origin/main main; do
    if git ls-tree -r --name-only "$against" protos 2>/dev/null | grep -q '\.proto$'; then
      git archive "$against" protos | tar -x -C "$scratch"
      buf breaking protos --against "$scratch/protos"
      return
    fi
  done
  echo "no protos on the main branch yet"
}

stub_drift() {
  mkdir -p "$scratch/drift/scripts"
  cp -R protos gen "$scratch/drift/"
  cp scripts/gen_protos.sh "$scratch/drift/scripts/"
  PYTHON="$PWD/.venv/bin/python" "$scratch/drift/scripts/gen_protos.sh" &&
    diff -r -x __pycache__ gen "$scratch/drift/gen"
}

alembic_drift() { # every test that compares migrations with tables; there are two databases
  local tests
  tests="$(grep -rl 'import compare_metadata' tests)"
  [ "$(wc -l <<<"$tests")" -ge 2 ] && xargs pytest -q -k "drift or migrations" <<<"$tests"
}

web_tool() { # web_tool <program> <argument>...
  (cd web && "node_modules/.bin/$1" "${@:2}")
}

check "ruff: rules" ruff check --output-format concise .
check "ruff: format" ruff format --check .
check "mypy: types" mypy
check "import-linter: direction" lint-imports
check "buf: lint" buf lint protos
check "buf: format" buf format protos --diff --exit-code
check "buf: breaking changes" breaking_protos
check "stubs: drift from protos" stub_drift
check "alembic: drift from tables" alembic_drift
check "settings page: drift from settings" pytest -q tests/unit/test_docs.py -k settings
check "metrics page, proto pages: drift" pytest -q tests/unit/test_docs.py -k "metrics or protos or reason"
check "biome: web" web_tool biome check .
check "tsc: web" web_tool tsc --noEmit
check "shell: lint" shellcheck scripts/*.sh .ci/run

if [ ${#failed[@]} -gt 0 ]; then
  printf '\n%d failed: %s\n' "${#failed[@]}" "$(IFS=,; echo "${failed[*]}")"
  exit 1
fi
