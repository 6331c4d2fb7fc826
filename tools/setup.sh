#!/bin/sh
# Usage: setup.sh venv        .venv, with everything of requirements.lock and this package (editable)
#        setup.sh postgres    the programs of PostgreSQL, for the tests
#        setup.sh curl        curl, for the tests of the README
#        setup.sh chromium    a browser, for the tests of the dashboard
#        setup.sh wrk         wrk, for the figures of bench/
#        setup.sh faketime    libfaketime, for the tests of clocks
# Does nothing, and needs no network, where it is all there already.
set -eu
cd "$(dirname "$0")/.."

say() {
    printf '%s\n' "$@" >&2
}

# Installs packages of the distribution; where that is not for us to do, says what helps.
packages() {
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        say "Missing: $*. On Debian and Ubuntu this helps:" '' "    sudo apt-get install -y $*" ''
        exit 1
    fi
    say "Installing $* ..."
    apt-get update -qq >&2 || say 'The list of packages could not be brought up to date; going on with the one that is here.'
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "$@" >&2
}

# The machine's python3 if it is new enough, otherwise the newest that is.
find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$name"
            return
        fi
    done
    say "Kvota needs Python 3.11 or newer; python3 here is: $(python3 -V 2>&1 || true)"
    exit 1
}

venv() {
    python=$(find_python)
    wanted=$({ cat requirements.lock pyproject.toml tools/setup.sh; "$python" -V; pwd; } | sha256sum)
    if [ "$(cat .venv/kvota-stamp 2>/dev/null)" = "$wanted" ]; then
        return
    fi
    if [ "$(.venv/bin/python -V 2>/dev/null)" != "$("$python" -V)" ]; then
        if ! "$python" -c 'import ensurepip' 2>/dev/null; then
            packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        fi
        say "Making .venv with $("$python" -V) ..."
        "$python" -m venv --clear .venv
    fi
    say 'Installing the packages of requirements.lock, about half a minute the first time ...'
    pip() {
        .venv/bin/python -m pip --disable-pip-version-check -qq "$@"
    }
    rm -f .venv/kvota-stamp
    pip install --require-hashes --requirement requirements.lock
    pip install --no-deps --no-build-isolation --editable .
    printf '%s\n' "$wanted" >.venv/kvota-stamp
}

postgres() {
    if [ -n "${KVOTA_TEST_POSTGRES-}" ]; then
        command -v psql >/dev/null || packages postgresql-client
        return
    fi
    for initdb in /usr/lib/postgresql/*/bin/initdb "$(command -v initdb || true)"; do
        [ ! -x "$initdb" ] || return 0
    done
    packages postgresql
}

curl() {
    command -v /usr/bin/curl >/dev/null || packages curl
}

chromium() {
    command -v /usr/bin/chromium >/dev/null || packages chromium fonts-dejavu-core
}

wrk() {
    command -v /usr/bin/wrk >/dev/null || packages wrk
}

faketime() {
    command -v /usr/bin/faketime >/dev/null || packages faketime
}

case "${1-}" in
    venv | postgres | curl | chromium | wrk | faketime) "$1" ;;
    *) sed -n '2,8s/^# //p' "$0" >&2 && exit 2 ;;
esac
