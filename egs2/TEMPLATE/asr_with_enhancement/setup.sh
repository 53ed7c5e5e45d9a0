#!/usr/bin/env bash
# Make the links of a recipe to this template.
#
# Usage: egs2/TEMPLATE/asr_with_enhancement/setup.sh egs2/<corpus>/asr_with_enhancement
# A link is made only where nothing is; a file of the recipe's own is left as it is.
set -euo pipefail

if [ $# -ne 1 ] || [[ $1 == -* ]]; then
    sed -n '2,5s/^# \{0,1\}//p' "$0" >&2
    exit 1
fi
template=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
mkdir -p "$1/conf" "$1/local"
recipe=$(cd "$1" && pwd -P)
if [ "$(dirname "$(dirname "${recipe}")")" != "$(dirname "$(dirname "${template}")")" ]; then
    echo "setup.sh: error: ${1} is not beside the template: want egs2/<corpus>/<name>" >&2
    exit 1
fi
relative=../../$(basename "$(dirname "${template}")")/$(basename "${template}")
for name in asr_with_enhancement.sh cmd.sh db.sh path.sh pyscripts scripts utils; do
    if [ -e "${recipe}/${name}" ]; then
        echo "setup.sh: ${name} is there already"
    else
        ln -sfn "${relative}/${name}" "${recipe}/${name}"
    fi
done
[ -e "${recipe}/conf/slurm.conf" ] ||
    ln -sfn "../${relative}/conf/slurm.conf" "${recipe}/conf/slurm.conf"
echo "setup.sh: ${1} is ready for conf/, local/data.sh and run.sh"
