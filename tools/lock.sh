#!/bin/sh
# Writes requirements.lock from pyproject.toml: every system, every Python we support, hashes, and no address to download from.
# deploy/requirements.lock is the part of it that a server needs.
# Versions stay as they are where they still fit; `lock.sh --upgrade` takes the newest.
set -eu
cd "$(dirname "$0")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
.venv/bin/python -m venv "$tools"
"$tools/bin/pip" --disable-pip-version-check --quiet install uv
compile() {
    "$tools/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
        --custom-compile-command 'make lock' "$@" pyproject.toml
}
compile --extra dev --output-file requirements.lock "$@"
compile --constraint requirements.lock --output-file deploy/requirements.lock

.venv/bin/python tools/licences.py

if grep -n '://' requirements.lock deploy/requirements.lock >&2; then
    echo 'A lock file names an address; it must not' >&2
    exit 1
fi
