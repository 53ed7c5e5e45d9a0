# Puts the recipes' Python on PATH and this repository first on PYTHONPATH.
# Source it from bash; path.sh of each recipe does.
#
# ESPNET_PYTHON_ENV chooses the environment:
#   (unset)            tools/venv, which `make -C tools` makes
#   <an activate file> your own venv or conda, e.g. ~/my-env/bin/activate
#   none               the python that is on PATH already, e.g. after conda activate
# shellcheck shell=bash

_gr_repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# A function with no arguments left, as conda's file takes the caller's "$@" for its own.
_gr_source_activate() {
    local file=$1 unset_is_error=false
    shift
    case $- in *u*) unset_is_error=true ;; esac
    set +u # conda's files read variables that may be unset
    # shellcheck disable=SC1090
    . "${file}"
    if ${unset_is_error}; then set -u; fi
}

case "${ESPNET_PYTHON_ENV:-}" in
    "")
        if [ ! -e "${_gr_repo}/tools/venv/.complete" ]; then
            echo "tools/venv is missing or incomplete: run  make -C \"${_gr_repo}/tools\"" >&2
            # shellcheck disable=SC2317
            return 1 2>/dev/null || exit 1
        fi
        export VIRTUAL_ENV="${_gr_repo}/tools/venv"
        export PATH="${VIRTUAL_ENV}/bin:${PATH}"
        unset PYTHONHOME
        ;;
    none) ;;
    *)
        if [ ! -f "${ESPNET_PYTHON_ENV}" ]; then
            echo "ESPNET_PYTHON_ENV=${ESPNET_PYTHON_ENV}: no such file; give an activate file, or none" >&2
            # shellcheck disable=SC2317
            return 1 2>/dev/null || exit 1
        fi
        _gr_source_activate "${ESPNET_PYTHON_ENV}"
        ;;
esac

export PYTHONPATH="${_gr_repo}${PYTHONPATH:+:${PYTHONPATH}}"
export PYTHONUNBUFFERED=1         # a log shows a line when it is printed
export PYTHONIOENCODING=UTF-8     # transcripts are UTF-8 whatever the locale
unset _gr_repo
unset -f _gr_source_activate
