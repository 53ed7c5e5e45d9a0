#!/usr/bin/env bash
# Makes the tools of this repository usable from a recipe folder; to be sourced there.
# shellcheck source-path=SCRIPTDIR
recipe_root=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]:-$0}")")/../../.." && pwd)
# shellcheck source=../../../tools/activate_python.sh
. "${recipe_root}/tools/activate_python.sh"
unset recipe_root
export PATH="${PWD}/utils:${PATH}"
# Many small jobs run side by side: threads inside each would only get in the way.
export OMP_NUM_THREADS=1
# Models and checkpoints are read as plain data; 0 also reads those that can run code.
export TORCH_FORCE_WEIGHTS_ONLY_LOAD="${TORCH_FORCE_WEIGHTS_ONLY_LOAD:-1}"
