#!/usr/bin/env bash
# Make the toy corpus of radio traffic and its Kaldi folders data/{train,valid,test}.
# Run from the recipe's folder.
set -euo pipefail

log() { echo "$(date '+%Y-%m-%dT%H:%M:%S') (data.sh) $*"; }

# The names are options: parse_options.sh sets those defined here.
corpus_dir=downloads/mini_radio # audio goes here; used again if made with same options
data_dir=data                   # the Kaldi folders go here
seed=2302                       # of all random choices: same seed, same bytes
num_train=3200                  # utterances of the training set
num_valid=200                   # utterances of the validation set
num_test=400                    # utterances of the test set
cnr_min=6                       # lowest carrier-to-noise ratio in the IF band, dB
cnr_max=14                      # highest one, dB
snr_min=5                       # lowest ratio of speech to acoustic noise, dB
snr_max=20                      # highest one, dB
nj=$(env -u OMP_NUM_THREADS nproc)                     # processes at once; the result does not depend on it

# shellcheck disable=SC2034  # parse_options.sh prints it
help_message="Options and their defaults:
$(grep -E '^[a-z_]+=.* # ' "$0")"

# path.sh may use variables that are not set.
set +u
# shellcheck source=/dev/null
. ./path.sh
# shellcheck source=/dev/null
. utils/parse_options.sh
set -u

if [ $# -ne 0 ]; then
    log "error: no arguments are taken besides options, got: $*" >&2
    exit 1
fi

log "Making the toy corpus in ${corpus_dir}"
OMP_NUM_THREADS=1 python3 local/make_mini_radio.py \
    --corpus_dir "${corpus_dir}" \
    --data_dir "${data_dir}" \
    --seed "${seed}" \
    --num_train "${num_train}" \
    --num_valid "${num_valid}" \
    --num_test "${num_test}" \
    --cnr_min "${cnr_min}" \
    --cnr_max "${cnr_max}" \
    --snr_min "${snr_min}" \
    --snr_max "${snr_max}" \
    --nj "${nj}"
log "Wrote ${data_dir}/train, ${data_dir}/valid and ${data_dir}/test"
