#!/usr/bin/env bash
# RATS channel A with Fisher transcripts: data, LM, joint training, decoding, scores.
# Put the paths of the corpora in db.sh first; see README.md. Options of
# asr_with_enhancement.sh may follow, e.g. ./run.sh --stage 11 --ngpu 2
set -euo pipefail

train_set=train
valid_set=valid
test_sets="test"

enh_asr_config=conf/train_gradient_remedy.yaml
lm_config=conf/train_lm.yaml
inference_config=conf/decode_asr.yaml

jobs=$(env -u OMP_NUM_THREADS nproc)

./asr_with_enhancement.sh \
    --fs 8k \
    --ngpu 1 \
    --nj "${jobs}" \
    --inference_nj "${jobs}" \
    --train_set "${train_set}" \
    --valid_set "${valid_set}" \
    --test_sets "${test_sets}" \
    --max_wav_duration 30 \
    --token_type bpe \
    --bpemode bpe \
    --nbpe 1000 \
    --use_lm true \
    --feats_normalize utt_mvn \
    --enh_asr_config "${enh_asr_config}" \
    --lm_config "${lm_config}" \
    --inference_config "${inference_config}" \
    "$@"
