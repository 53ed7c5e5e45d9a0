#!/usr/bin/env bash
# The whole recipe on spoken digits sent by radio: data, training, decoding, scores.
# Options of asr_with_enhancement.sh may follow, e.g. ./run.sh --local_data_opts "--fsdd <folder>"
set -euo pipefail

train_set=train
valid_set=valid
test_sets="test"

enh_asr_config=conf/train_gradient_remedy.yaml
inference_config=conf/decode_asr.yaml

jobs=$(env -u OMP_NUM_THREADS nproc)

./asr_with_enhancement.sh \
    --fs 8k \
    --ngpu 0 \
    --nj "${jobs}" \
    --inference_nj "${jobs}" \
    --train_set "${train_set}" \
    --valid_set "${valid_set}" \
    --test_sets "${test_sets}" \
    --token_type bpe \
    --nbpe 30 \
    --use_lm false \
    --feats_normalize utt_mvn \
    --enh_asr_config "${enh_asr_config}" \
    --inference_config "${inference_config}" \
    "$@"
