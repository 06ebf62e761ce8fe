#!/bin/sh
# Make .venv and install a lock into it: install.sh runtime | dev (dev: the tests' browser too).
# Does nothing when the lock's content is installed already.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "$1" >&2
    exit 1
}

find_python() {
    too_old="" no_pip=""
    for candidate in python3.11 python3 python3.12 python3.13 python3.14 python; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
            { too_old="$candidate"; continue; }
        "$candidate" -c 'import ensurepip, venv' 2>/dev/null || { no_pip="$candidate"; continue; }
        echo "$candidate"
        return
    done
    [ -z "$no_pip" ] ||
        fail "$no_pip cannot make virtual environments: install its venv package (on Debian and Ubuntu: apt-get install python3-venv) and try again."
    [ -z "$too_old" ] ||
        fail "Groundwork needs Python 3.11 or newer, and $too_old is older or does not run: install a newer one and try again."
    fail "Groundwork needs Python 3.11 or newer, and none was found: install it and try again."
}

make_venv() {
    # One that was moved here, or whose Python is gone, does not run: make it anew.
    .venv/bin/python -m pip --version >/dev/null 2>&1 && return
    python=$(find_python)
    echo "Making .venv with $("$python" --version)."
    "$python" -m venv --clear .venv ||
        fail "$python could not make .venv: see the lines above."
}

install_lock() {
    installed=".venv/installed-$1"
    cmp -s "$1" "$installed" && return
    make_venv
    echo "Installing $1; the first time this takes a few minutes."
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$1" ||
        fail "Not everything in $1 could be installed: see the lines above, and run the same command again."
    cp "$1" "$installed"
}

install_browser() {
    for browser in chromium chromium-browser google-chrome google-chrome-stable; do
        ! command -v "$browser" >/dev/null 2>&1 || return 0
    done
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        echo "Installing Chromium for the tests."
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq \
            --no-install-recommends chromium fonts-dejavu-core >/dev/null && return
    fi
    .venv/bin/python -m playwright install chromium ||
        fail "The tests need a browser: install Chromium or Google Chrome and try again."
}

case "${1:-}" in
runtime)
    # The development lock holds the runtime lock's versions too.
    [ -x .venv/bin/python ] || make_venv
    install_lock requirements.lock
    ;;
dev)
    [ -x .venv/bin/python ] || make_venv
    install_lock requirements-dev.lock
    cp requirements.lock .venv/installed-requirements.lock
    install_browser
    ;;
*) fail "Usage: install.sh runtime|dev" ;;
esac
