#!/usr/bin/env bash
# The whole recipe on CHiME-4's 1-channel track: data, LM, training, decoding, scores.
# First set CHIME4 and WSJ0 (and, for ESPnet's training set, WSJ1) in db.sh.
# Options of asr_with_enhancement.sh may follow, e.g. ./run.sh --stage 11 --ngpu 2
set -euo pipefail

# shellcheck source=/dev/null
. ./db.sh

train_set=tr05_multi_noisy # simulated and real
[ -z "${WSJ1:-}" ] || train_set=tr05_multi_noisy_si284 # and clean
valid_set=dt05_multi_isolated_1ch_track
test_sets="dt05_real_isolated_1ch_track dt05_simu_isolated_1ch_track \
et05_real_isolated_1ch_track et05_simu_isolated_1ch_track"

enh_asr_config=conf/train_gradient_remedy.yaml
lm_config=conf/train_lm_transformer.yaml
inference_config=conf/decode_asr_transformer.yaml

./asr_with_enhancement.sh \
    --fs 16k \
    --lang en \
    --ngpu 1 \
    --train_set "${train_set}" \
    --valid_set "${valid_set}" \
    --test_sets "${test_sets}" \
    --token_type char \
    --nlsyms_txt data/nlsyms.txt \
    --feats_normalize utt_mvn \
    --lm_config "${lm_config}" \
    --lm_train_text data/lm_train/text \
    --enh_asr_config "${enh_asr_config}" \
    --inference_config "${inference_config}" \
    "$@"
