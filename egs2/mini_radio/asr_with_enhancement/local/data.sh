#!/usr/bin/env bash
# Make the toy corpus of radio traffic and its Kaldi folders data/{train,valid,test}.
# Run from the recipe's folder.
# shellcheck source-path=SCRIPTDIR/.. disable=SC2034  # `give` reads the options by name
set -euo pipefail

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
reference=aligned               # or rats: full band, own level, lag of up to 13 samples
nj=$(env -u OMP_NUM_THREADS nproc)                     # processes at once; the result does not depend on it

. scripts/utils/data_tools.sh

log "Making the toy corpus in ${corpus_dir}"
give corpus_dir data_dir seed num_train num_valid num_test cnr_min cnr_max \
    snr_min snr_max reference nj
OMP_NUM_THREADS=1 python3 local/make_mini_radio.py "${options[@]}"
log "Wrote ${data_dir}/train, ${data_dir}/valid and ${data_dir}/test"
