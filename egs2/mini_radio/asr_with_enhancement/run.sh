#!/usr/bin/env bash
# The whole recipe on a small made-up radio corpus: data, training, decoding, scores.
# Options of asr_with_enhancement.sh may follow, e.g. ./run.sh --stage 11 --ngpu 1
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
    --cpu_ranks 2 \
    --nj "${jobs}" \
    --inference_nj "${jobs}" \
    --train_set "${train_set}" \
    --valid_set "${valid_set}" \
    --test_sets "${test_sets}" \
    --token_type bpe \
    --nbpe 150 \
    --use_lm false \
    --feats_normalize utt_mvn \
    --enh_asr_config "${enh_asr_config}" \
    --inference_config "${inference_config}" \
    "$@"
