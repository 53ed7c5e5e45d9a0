#!/usr/bin/env bash
# Makes tools/venv, or brings it up to date, from requirements.in and constraints.txt.
#
#   make_venv.sh [PYTHON [TORCH [CUDA]]]
#       PYTHON: the interpreter to use, of version 3.10 to 3.12
#       TORCH, CUDA: see choose_torch.py
#
# venv/.complete is written last and holds all that the venv was made from: without
# it the venv is made from nothing, and where it differs the venv is brought up to
# date. So an install that was killed is never taken for whole.
set -euo pipefail

python=${1:-} torch=${2:-} cuda=${3:-}
cd "$(dirname "${BASH_SOURCE[0]}")"
unset PYTHONPATH PYTHONHOME # what lies there would count as installed

fail() {
    echo "make_venv.sh: $*" >&2
    exit 1
}

in_range() {
    "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' \
        2>/dev/null
}

identity() {
    "$1" -c 'import sys; print("Python %d.%d" % sys.version_info[:2], sys.base_prefix)'
}

stamp_identity() {
    { head -n 1 venv/.complete; } 2>/dev/null || true
}

choose_python() {
    if [ -x venv/bin/python ] && [ "$(identity venv/bin/python)" = "$(stamp_identity)" ]
    then
        echo venv/bin/python
        return
    fi
    for candidate in python3.11 python3.12 python3.10 python3; do
        if in_range "${candidate}"; then
            command -v "${candidate}"
            return
        fi
    done
    fail "no Python 3.10, 3.11 or 3.12 on PATH; install one, or name it: make -C tools PYTHON=<path of python3.11>"
}

if [ -z "${python}" ]; then
    python=$(choose_python)
elif ! command -v "${python}" >/dev/null; then
    fail "PYTHON=${python}: no such program"
elif ! in_range "${python}"; then
    fail "PYTHON=${python} is $("${python}" --version 2>&1); 3.10, 3.11 or 3.12 is wanted"
fi

chosen=$(mktemp -d)
trap 'rm -rf "${chosen}"' EXIT
"${python}" choose_torch.py --torch "${torch}" --cuda "${cuda}" "${chosen}"
wanted=$(identity "${python}"; cat "${chosen}/requirements.in" "${chosen}/constraints.txt")
if [ -e venv/.complete ] && [ "$(cat venv/.complete)" = "${wanted}" ]; then
    exit 0
fi
"${python}" check_environment.py --before-install

torch_choice() {
    grep '^# chosen: ' "$1" || true
}

# pip would leave the libraries of another torch where they are.
if [ "$(stamp_identity)" = "$(identity "${python}")" ] &&
    [ "$(torch_choice venv/.complete)" = "$(torch_choice "${chosen}/requirements.in")" ]
then
    echo "tools/venv is out of date: installing what changed"
    rm venv/.complete
else
    if [ "${python}" = venv/bin/python ]; then
        python=$(readlink -f "${python}") # the link goes with the venv
    fi
    echo "Making tools/venv with ${python}: about 3 GB to download, 2 to 10 minutes"
    rm -rf venv
    "${python}" -m venv venv
fi

# As a variable it also pins what builds the source packages; as a URL it may hold a
# space, and holds good in the folders where pip runs their builds.
PIP_CONSTRAINT=$("${python}" -c \
    'import pathlib, sys; print(pathlib.Path(sys.argv[1]).resolve().as_uri())' \
    "${chosen}/constraints.txt")
export PIP_CONSTRAINT

pip_install() {
    venv/bin/python -m pip install --use-pep517 --no-user --no-input \
        --disable-pip-version-check "$@"
}

# uv fetches, builds and unpacks side by side; only Python's compiler is left to do.
uv_install() {
    local settings
    venv/bin/python pip_settings.py >"${chosen}/settings" || return
    mapfile -d '' settings <"${chosen}/settings"
    env "${settings[@]}" venv/bin/uv pip install --python venv/bin/python \
        --requirement "${chosen}/requirements.in" \
        --constraint "${chosen}/constraints.txt" \
        --build-constraint "${chosen}/constraints.txt" || return
    # Its status tells of files that no Python can read, such as templates.
    venv/bin/python -W ignore -m compileall -qq -j 0 -x '/tests?/' venv/lib || true
}
trap 'exit 130' INT # of what an interrupt ended, nothing is tried again

pip_install pip uv
if ! uv_install; then
    echo "make_venv.sh: uv could not install (see above); now pip does, which takes longer"
    pip_install --requirement "${chosen}/requirements.in"
fi
venv/bin/python -m pip check
echo "${wanted}" >venv/.complete.tmp
mv venv/.complete.tmp venv/.complete
echo "tools/venv is ready"
