#!/usr/bin/env bash
# Make data/{train,valid,test} from RATS channel A and the Fisher transcripts.
# Put the two paths in db.sh, and run this from the recipe's folder.
set -euo pipefail

log() { echo "$(date '+%Y-%m-%dT%H:%M:%S') (data.sh) $*"; }

# The names are options: parse_options.sh sets those defined here.
stage=1                         # first sub-stage: 1 sessions, 2 sets, 3 checks
stop_stage=3                    # last sub-stage
rats=                           # LDC2015S02; empty: RATS of db.sh
fisher=                         # LDC2004T19 and LDC2005T19, or a folder with both; two are separated by a colon; empty: FISHER of db.sh
work_dir=data/local/rats_chA    # cut audio (a few GB), link_report.tsv, summary.md
data_dir=data                   # the Kaldi folders go here
nj=$(env -u OMP_NUM_THREADS nproc) # sessions at once
kaldi_truncate=false            # time stamps truncated as Kaldi does, for its utterance ids
refine=true                     # refine each session's offset by GCC-PHAT
valid_share=0.1                 # of RATS's train part, by speaker
train_list=                     # file of utterance ids for train, with the next two
valid_list=                     # file of utterance ids for valid
test_list=                      # file of utterance ids for test
uncertain=drop                  # utterances with (( )): drop, or keep their words
events=delete                   # [laughter] and the like: delete or map
acronyms="split"                # c._n._n.: split to c n n, or keep
partial="strip"                 # an-: strip the hyphen, or drop the word
prepare_opts=                   # thresholds, see local/prepare_rats.py --help

# shellcheck disable=SC2034  # parse_options.sh prints it
help_message="Options and their defaults:
$(grep -E '^[a-z_]+=.* # ' "$0")"

# path.sh may use variables that are not set.
set +u
# shellcheck source=/dev/null
. ./path.sh
# shellcheck source=/dev/null
. ./db.sh
# shellcheck source=/dev/null
. utils/parse_options.sh
set -u

if [ $# -ne 0 ]; then
    log "error: no arguments are taken besides options, got: $*" >&2
    exit 1
fi
: "${rats:=${RATS:-}}" "${fisher:=${FISHER:-}}"
if [ -z "${rats}" ] || [ -z "${fisher}" ]; then
    log "error: put the paths RATS and FISHER in db.sh (LDC2015S02; LDC2004T19 and LDC2005T19)" >&2
    exit 1
fi

if [ "${stage}" -le 1 ] && [ "${stop_stage}" -ge 1 ]; then
    log "Sub-stage 1: link, align and cut the sessions -> ${work_dir}"
    IFS=: read -ra fisher_roots <<< "${fisher}"
    options=()
    [ -z "${prepare_opts}" ] || mapfile -d '' -t options < <(xargs printf '%s\0' <<< "${prepare_opts}")
    OMP_NUM_THREADS=1 python3 local/prepare_rats.py \
        --rats "${rats}" --fisher "${fisher_roots[@]}" \
        --work_dir "${work_dir}" --nj "${nj}" \
        --kaldi_truncate "${kaldi_truncate}" --refine "${refine}" "${options[@]}"
fi

if [ "${stage}" -le 2 ] && [ "${stop_stage}" -ge 2 ]; then
    log "Sub-stage 2: texts and sets -> ${data_dir}/{train,valid,test}"
    options=()
    [ -z "${train_list}" ] || options+=(--train_list "${train_list}")
    [ -z "${valid_list}" ] || options+=(--valid_list "${valid_list}")
    [ -z "${test_list}" ] || options+=(--test_list "${test_list}")
    python3 local/make_sets.py \
        --work_dir "${work_dir}" --data_dir "${data_dir}" \
        --valid_share "${valid_share}" \
        --uncertain "${uncertain}" --events "${events}" \
        --acronyms "${acronyms}" --partial "${partial}" "${options[@]}"
fi

if [ "${stage}" -le 3 ] && [ "${stop_stage}" -ge 3 ]; then
    log "Sub-stage 3: check the folders"
    for name in train valid test; do
        utils/validate_data_dir.sh "${data_dir}/${name}"
    done
fi
log "Done; the summary is ${work_dir}/summary.md"
