#!/usr/bin/env bash
# Train and score several gradient methods on several corpora and compare them.
# Run it from this folder; what report/results.tsv holds already is not made again.
# What follows -- goes to snakemake, e.g. -- --executor slurm --jobs 8
# shellcheck source-path=SCRIPTDIR
set -euo pipefail

# Options (with their defaults; each takes one value)
stage=1                      # first stage: 1 data, 2 training and scores, 3 summary
stop_stage=3                 # last stage
plan=plans/methods.yaml      # conditions, methods and seeds
jobs=1                       # runs side by side, each with its share of the cores
ngpu=0                       # GPUs of each training: 0 or 1
runs=                        # only runs <condition>/<method>/<seed> that match this
dry_run=false                # only list the jobs that are to do
# End of options

# shellcheck disable=SC2034  # parse_options.sh prints it
help_message=$(sed -n '2,4s/^# //p; /^# Options/,/^# End of options/{s/^\([a-z_]*\)=/--\1 /;p;}' "$0")
. ../asr_with_enhancement/utils/parse_options.sh
die() { echo "${0##*/}: error: $*" >&2; exit 1; }
[ $# -eq 0 ] || [ "$1" = -- ] || die "'$1' is not an option; see --help"
[[ ${jobs} =~ ^[1-9][0-9]*$ ]] || die "--jobs wants a whole number of 1 or more"
[[ ${ngpu} =~ ^[01]$ ]] || die "--ngpu wants 0 or 1"
[[ ${stage}${stop_stage} =~ ^[0-9]+$ ]] || die "--stage and --stop_stage want numbers"
. ./path.sh
snakemake=$(dirname "$(readlink -f "$0")")/../../../tools/study_venv/bin/snakemake

# run_jobs <file> ...: make them; when this script is stopped the jobs are, too
run_jobs() {
    local threads options=()
    threads=$(($(env -u OMP_NUM_THREADS nproc) / jobs))
    [ "${threads}" -gt 0 ] || threads=1
    options+=(--config "plan=${plan}" "ngpu=${ngpu}" "threads=${threads}"
        "cores=$((threads * jobs))" --cores "$((threads * jobs))")
    [ "${stop_stage}" -gt 1 ] || options+=(--until data)
    [ "${dry_run}" = false ] || options+=(--dry-run --printshellcmds)
    set -m # gives the jobs a process group, by which all of them can be ended
    # Runs have locks of their own, which end with them. A run.sh that was itself started
    # in the background may have been made deaf to the signal that ends the jobs.
    env --default-signal=INT "${snakemake}" --keep-going --nolock --quiet host --rerun-incomplete --rerun-triggers mtime \
        "${options[@]}" "${snakemake_options[@]}" --force "$@" < /dev/null &
    group=$!
    set +m
    trap 'trap "" INT TERM HUP; kill -INT -- "-${group}"
        while kill -0 -- "-${group}"; do sleep 0.2; done 2> /dev/null; exit 130' INT TERM HUP
    wait "${group}"
}

snakemake_options=("${@:2}")
code=0
if [ "${stage}" -le 2 ] && [ "${stop_stage}" -ge 1 ]; then
    [ -x "${snakemake}" ] || die "tools/study_venv is missing; make -C tools study makes it"
    rows=$(python3 -m study.missing --plan "${plan}" --runs "${runs}") || exit
    mapfile -t rows <<< "${rows}"
    [ -z "${rows[0]}" ] || run_jobs "${rows[@]}" || code=1
fi
if [ "${stage}" -le 3 ] && [ "${stop_stage}" -ge 3 ] && [ "${dry_run}" = false ]; then
    python3 -m study.summary --plan "${plan}"
    python3 -m study.readme README.md ../asr_with_enhancement/README.md
fi
exit "${code}"
