#!/bin/sh
# Finds uv, or puts one into .tools with the Python on the PATH; then runs it. `--path` only names it.
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
own="$root/.tools/bin/uv"
log="$root/.tools/last.log"
fail() { printf '%s\n' "headrace: $*" >&2; exit 1; }
say() { printf '%s\n' "headrace: $*" >&2; }

uv=$(command -v uv || true)
case $($uv --version 2>/dev/null || true) in
    "uv 0."[0-7].*|"") uv=$own ;;
esac
if [ "${1:-}" = --path ]; then printf '%s\n' "$uv"; exit 0; fi

python='' pip=''
for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
    command -v "$name" >/dev/null 2>&1 || continue
    "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
    python=${python:-$(command -v "$name")}
    if [ -z "$pip" ] && "$name" -m pip --version >/dev/null 2>&1; then pip=$(command -v "$name"); fi
done
[ -n "$python" ] ||
    fail "needs Python 3.11 or newer on the PATH; found $(python3 --version 2>/dev/null || echo none). Install python3.11 and try again."
mkdir -p "$root/.tools" 2>/dev/null && [ -w "$root/.tools" ] ||
    fail "cannot write in $root; give the checkout to the user who runs make, and try again."
home=${XDG_CACHE_HOME:-${HOME:-}}
[ -n "$home" ] && [ -w "$home" ] || export UV_CACHE_DIR="${UV_CACHE_DIR:-$root/.tools/cache}" PIP_NO_CACHE_DIR=1

if [ "$uv" = "$own" ] && [ ! -x "$own" ]; then
    if [ -z "$pip" ]; then  # venv brings a pip along that needs no installation
        wheel=$("$python" -c 'import ensurepip, pathlib; print(*pathlib.Path(ensurepip.__file__).parent.glob("_bundled/pip-*.whl"))' 2>/dev/null || true)
        [ -n "$wheel" ] || fail "$python has no pip; install it (e.g. the package python3-pip), or install uv, and try again."
        pip=$python; export PYTHONPATH="$wheel"
    fi
    say "fetching uv into .tools (once)"
    # A target folder instead of an environment: works where pip is externally managed and where venv is not installed.
    if ! PIP_BREAK_SYSTEM_PACKAGES=1 PIP_USER=0 PIP_REQUIRE_VIRTUALENV=0 PIP_ROOT_USER_ACTION=ignore PIP_RETRIES="${PIP_RETRIES:-3}" \
        "$pip" -m pip install --quiet --disable-pip-version-check --target "$root/.tools" "uv>=0.8,<1" >"$log" 2>&1; then
        fail "could not fetch uv: $(sh "$root/tools/why.sh" "$log")."
    fi
    unset PYTHONPATH
fi

export UV_PYTHON="${UV_PYTHON:-$python}" UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT="$root/.venv"
[ "${1:-}" = sync ] || exec "$uv" "$@"
[ -d "$root/.venv" ] || say "installing the Python packages into .venv (once)"
"$uv" "$@" 2>"$log" || fail "could not install the Python packages: $(sh "$root/tools/why.sh" "$log")."
