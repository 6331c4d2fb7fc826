#!/bin/sh
# Writes requirements.lock from pyproject.toml: every system, every Python we support, hashes, and no address to download from.
# Versions stay as they are where they still fit; `lock.sh --upgrade` takes the newest.
set -eu
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m venv "$tools"
"$tools/bin/pip" --disable-pip-version-check --quiet install uv
"$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes --no-emit-index-url \
    --custom-compile-command 'make lock' --output-file requirements.lock "$@" pyproject.toml

if grep -n '://' requirements.lock >&2; then
    echo 'requirements.lock names an address; it must not' >&2
    exit 1
fi
