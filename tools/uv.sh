#!/bin/sh
# Finds uv, or puts one into .tools with the Python on the PATH; then runs it. `--path` only names it.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
own="$root/.tools/bin/uv"
say() { printf '%s\n' "headrace: $*" >&2; }

uv=$(command -v uv || true)
case $($uv --version 2>/dev/null || true) in
    "uv 0."[0-7].*|"") uv=$own ;;
esac
if [ "${1:-}" = --path ]; then printf '%s\n' "$uv"; exit 0; fi

python=
for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        python=$(command -v "$name"); break
    fi
done
if [ -z "$python" ]; then
    say "needs Python 3.11 or newer on the PATH; found $(python3 --version 2>/dev/null || echo none). Install python3.11 and try again."
    exit 1
fi

if [ "$uv" = "$own" ] && [ ! -x "$own" ]; then
    say "fetching uv into .tools (once)"
    # A target folder instead of an environment: works where pip is externally managed and where venv is not installed.
    if ! "$python" -m pip install --quiet --disable-pip-version-check --root-user-action ignore \
        --break-system-packages --target "$root/.tools" "uv>=0.8,<1" 2>"$root/.tools.log"; then
        say "could not fetch uv: $(tail -n 1 "$root/.tools.log" 2>/dev/null). Check the network (or install pip, or uv) and try again."
        rm -f "$root/.tools.log"; exit 1
    fi
    rm -f "$root/.tools.log"
fi
UV_PYTHON="${UV_PYTHON:-$python}" UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT="$root/.venv" exec "$uv" "$@"
