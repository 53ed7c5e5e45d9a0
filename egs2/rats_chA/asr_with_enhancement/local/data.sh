#!/usr/bin/env bash
# Make data/{train,valid,test} from RATS channel A and the Fisher transcripts.
# Put the two paths in db.sh, and run this from the recipe's folder.
# shellcheck source-path=SCRIPTDIR/.. disable=SC2034  # `give` reads the options by name
set -euo pipefail

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

. scripts/utils/data_tools.sh
. scripts/utils/quote_words.sh
. ./db.sh

: "${rats:=${RATS:-}}" "${fisher:=${FISHER:-}}"
if [ -z "${rats}" ] || [ -z "${fisher}" ]; then
    die "put the paths RATS and FISHER in db.sh (LDC2015S02; LDC2004T19 and LDC2005T19)"
fi

if runs 1; then
    log "Sub-stage 1: link, align and cut the sessions -> ${work_dir}"
    IFS=: read -ra fisher_roots <<< "${fisher}"
    give rats work_dir nj kaldi_truncate refine
    split_words "${prepare_opts}"
    OMP_NUM_THREADS=1 python3 local/prepare_rats.py --fisher "${fisher_roots[@]}" \
        "${options[@]}" "${words[@]}"
fi

if runs 2; then
    log "Sub-stage 2: texts and sets -> ${data_dir}/{train,valid,test}"
    give work_dir data_dir valid_share train_list valid_list test_list \
        uncertain events acronyms partial
    python3 local/make_sets.py "${options[@]}"
fi

if runs 3; then
    log "Sub-stage 3: check the folders"
    for name in train valid test; do
        utils/validate_data_dir.sh "${data_dir}/${name}"
    done
fi
log "Done; the summary is ${work_dir}/summary.md"
