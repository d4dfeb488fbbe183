#!/usr/bin/env bash
# Regenerate gen/ from protos/, and the pages of their comments. `make lint` runs this and fails if anything changed.
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-.venv/bin/python}"
bin="$(cd "$(dirname "$python")" && pwd)"
export PATH="$bin:$PATH"
find gen -name '*_pb2*' -delete
find protos -name '*.proto' | sed 's|^protos/||' | sort |
  xargs "$python" -m grpc_tools.protoc -Iprotos \
    --python_out=gen --grpc_python_out=gen --mypy_out=quiet:gen --mypy_grpc_out=quiet:gen
touch gen/oma/py.typed
if [ -f scripts/proto_pages.py ]; then # a copy of the protos alone has no pages
  PYTHONPATH=".:gen" "$python" -m scripts.proto_pages
fi
