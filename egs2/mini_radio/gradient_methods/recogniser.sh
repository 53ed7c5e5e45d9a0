#!/usr/bin/env bash
# Upstream's ASR alone on the noisy speech, without SE: what joint training must beat.
# Run it in a condition's folder after stage 10. Recogniser, features, batches, optimiser
# and schedule are the joint config's.
# shellcheck source-path=SCRIPTDIR/../asr_with_enhancement
# shellcheck disable=SC2034,SC2154  # train_first.sh uses what is set here
set -euo pipefail

# Options, named as those of run.sh (with their defaults; each takes one value)
stage=11              # 11: training
stop_stage=15         # 12 and more: decoding of the test set, its word and character errors
ngpu=0                # GPUs for training
enh_asr_exp=          # experiment folder
enh_asr_config=       # joint config
enh_asr_args=         # more options for training
inference_config=     # decoding config
# End of options

. scripts/utils/train_first.sh
. utils/parse_options.sh
. ./path.sh
. ./cmd.sh

if [ "${stage}" -le 11 ]; then
    train_set=train valid_set=valid dump=dump/raw fs=8k num_nodes=1 cpu_ranks=1
    enh_asr_speech_fold_length=800 enh_asr_text_fold_length=150
    token_list=$(ls data/*token_list/*/tokens.txt)
    enh_asr_stats_dir=$(ls -d exp/enh_asr_stats_raw_*)
    token_type=bpe bpemodel=${token_list%/*}/bpe.model
    [ -e "${bpemodel}" ] || { token_type=char bpemodel=none; }
    text_options=(--token_type "${token_type}" --token_list "${token_list}"
        --bpemodel "${bpemodel}")
    normalize_options=()
    asr_first_exp=${enh_asr_exp} asr_first_args=${enh_asr_args} asr_first_speech=wav.scp
    train_asr_first
fi

if [ "${stop_stage}" -ge 12 ]; then
    decoded=${enh_asr_exp}/decode_asr/test
    test=dump/raw/test
    python3 -m espnet2.bin.asr_inference --ngpu 0 --config "${inference_config}" \
        --data_path_and_name_and_type "${test}/wav.scp,speech,sound" \
        --asr_train_config "${enh_asr_exp}/config.yaml" \
        --asr_model_file "${enh_asr_exp}/valid.acc.ave.pth" --output_dir "${decoded}/output"
    mv "${decoded}/output/1best_recog/text" "${decoded}/text_spk1"
    for score in wer:word cer:char; do
        python3 pyscripts/utils/score_asr.py --unit "${score#*:}" \
            --reference "${test}/text_spk1" --utt2spk "${test}/utt2spk" \
            --hypothesis "${decoded}/text_spk1" --outdir "${decoded}/score_${score%:*}"
    done
fi
