#!/usr/bin/env bash
# The whole recipe on CHiME-4's 6-channel track: a beamformer in the place of Conv-TasNet.
# Options of asr_with_enhancement.sh may follow, as of run.sh.
set -euo pipefail

track=isolated_6ch_track

./run.sh \
    --local_data_opts "--track 6ch" \
    --lang en_6ch \
    --lm_train_text data/lm_train_6ch/text \
    --multi_channel true \
    --ref_channel 4 \
    --train_set "tr05_multi_${track}" \
    --valid_set "dt05_multi_${track}" \
    --test_sets "dt05_real_${track} dt05_simu_${track} et05_real_${track} et05_simu_${track}" \
    --dumpdir dump/6ch \
    --expdir exp/6ch \
    --enh_asr_config conf/train_gradient_remedy_6ch.yaml \
    "$@"
