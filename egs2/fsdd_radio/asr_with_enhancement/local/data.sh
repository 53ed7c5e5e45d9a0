#!/usr/bin/env bash
# Make strings of recorded digits sent by radio, and data/{train,valid,test} of them.
# Run from the recipe's folder. Without --fsdd the recordings are fetched with git.
# shellcheck source-path=SCRIPTDIR/.. disable=SC2034  # `give` reads the options by name
set -euo pipefail

# The names are options: parse_options.sh sets those defined here.
fsdd=                           # folder of the recordings (default: fetched to downloads/fsdd)
corpus_dir=downloads/fsdd_radio # audio goes here; used again if made with same options
data_dir=data                   # the Kaldi folders go here
split=recording                 # the sets share no recording, or no speaker: recording | speaker
seed=2302                       # of all random choices: same seed, same bytes
num_train=3000                  # strings of the training set
num_valid=300                   # strings of the validation set
num_test=600                    # strings of the test set
cnr_min=6                       # lowest carrier-to-noise ratio in the IF band, dB
cnr_max=14                      # highest one, dB
snr_min=5                       # lowest ratio of speech to acoustic noise, dB
snr_max=20                      # highest one, dB
reference=aligned               # or rats: full band, own level, lag of up to 13 samples
nj=$(env -u OMP_NUM_THREADS nproc)                     # processes at once; the result does not depend on it

. scripts/utils/data_tools.sh

# The Free Spoken Digit Dataset, CC BY-SA 4.0
fsdd_repository=https://github.com/Jakobovski/free-spoken-digit-dataset
fsdd_commit=26eb9aa

if [ -z "${fsdd}" ]; then
    fsdd=downloads/fsdd
    if [ ! -d "${fsdd}" ]; then
        log "Fetching ${fsdd_repository} (${fsdd_commit})"
        rm -rf "${fsdd}.tmp"
        { git clone --quiet --filter=blob:none --no-checkout "${fsdd_repository}" "${fsdd}.tmp" &&
            git -C "${fsdd}.tmp" checkout --quiet "${fsdd_commit}"; } ||
            die "${fsdd_repository} could not be fetched: give --fsdd <folder>"
        mv "${fsdd}.tmp" "${fsdd}"
    fi
fi

log "Making the corpus in ${corpus_dir}"
give fsdd corpus_dir data_dir split seed num_train num_valid num_test cnr_min cnr_max \
    snr_min snr_max reference nj
OMP_NUM_THREADS=1 python3 local/make_fsdd_radio.py "${options[@]}"
log "Wrote ${data_dir}/train, ${data_dir}/valid and ${data_dir}/test"
