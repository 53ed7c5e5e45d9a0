#!/usr/bin/env bash
# Train and score several gradient methods on several corpora and compare them.
# Run it from the recipe folder; what results.tsv holds already is not made again.
# shellcheck disable=SC2154  # cmd.sh sets train_cmd
set -euo pipefail

# Options (with their defaults; each takes one value)
stage=1                           # first stage: 1 data, 2 training and scores, 3 summary
stop_stage=3                      # last stage
conf=conf/compare_methods.yaml    # conditions, methods and seeds
jobs=1                            # runs side by side; on a CPU each has then one core
ngpu=0                            # GPUs of each run: 0 or 1
runs=                             # only runs <condition>/<method>/<seed> that match this
dry_run=false                     # only list the runs that are to do
# End of options

# shellcheck disable=SC2034  # parse_options.sh prints it
help_message=$(sed -n '2,3s/^# //p; /^# Options/,/^# End of options/{s/^\([a-z_]*\)=/--\1 /;p;}' "$0")
. utils/parse_options.sh
die() { echo "${0##*/}: error: $*" >&2; exit 1; }
[ $# -eq 0 ] || die "'$1' is not an option; see --help"
[[ ${jobs} =~ ^[1-9][0-9]*$ ]] || die "--jobs wants a whole number of 1 or more"
[[ ${ngpu} =~ ^[01]$ ]] || die "--ngpu wants 0 or 1"
[[ ${stage}${stop_stage} =~ ^[0-9]+$ ]] || die "--stage and --stop_stage want numbers"
. ./path.sh
. ./cmd.sh

code=0
if [ "${stage}" -le 2 ] && [ "${stop_stage}" -ge 1 ]; then
    options=(--conf "${conf}" --jobs "${jobs}" --ngpu "${ngpu}" --runs "${runs}")
    options+=(--cmd "${train_cmd}" --stop_stage "${stop_stage}")
    [ "${dry_run}" = false ] || options+=(--dry_run)
    python3 local/compare_runs.py "${options[@]}" || code=$?
    [ "${code}" -le 1 ] || exit "${code}"
fi
if [ "${stage}" -le 3 ] && [ "${stop_stage}" -ge 3 ] && [ "${dry_run}" = false ]; then
    python3 local/compare_summary.py --conf "${conf}"
fi
exit "${code}"
