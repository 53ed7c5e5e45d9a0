#!/usr/bin/env bash
# Stage 11's trainings of one module alone, before the joint one; to be sourced by
# asr_with_enhancement.sh, whose options and names of folders they use.
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2154
. scripts/utils/run_training.sh

# train_once <folder> <config> <command ...>: a training that several joint ones share,
# and that must not begin again while they use it
train_once() {
    local dir=$1 config=$2 made_by
    shift 2
    quote_words "$@"
    made_by="${quoted[*]}"$'\n'"data ${training_data[0]}"$'\n'$(cat "${config}")
    if [ "$(cat "${dir}/made_by" 2> /dev/null || true)" != "${made_by}" ]; then
        run_training "${dir}" "$@"
        make_file "${dir}/made_by" echo "${made_by}"
    fi
    hold "${dir}"
}

# train_asr_first: the recogniser without SE, as upstream does, on noisy or clean speech
train_asr_first() {
    local options=() part set config=${asr_first_exp}.yaml
    log "Stage 11: the recogniser alone -> ${asr_first_exp}"
    make_file "${config}" python3 pyscripts/utils/asr_alone_config.py "${enh_asr_config}"
    for part in "train ${train_set}" "valid ${valid_set}"; do
        read -r part set <<< "${part}"
        options+=("--${part}_data_path_and_name_and_type" "${dump}/${set}/${asr_first_speech},speech,sound"
            "--${part}_data_path_and_name_and_type" "${dump}/${set}/text_spk1,text,text"
            "--${part}_shape_file" "${enh_asr_stats_dir}/${part}/speech_shape"
            "--${part}_shape_file" "${enh_asr_stats_dir}/${part}/text_spk1_shape.${token_type}")
    done
    name_training_data "${asr_first_speech}"
    split_words "${asr_first_args}"
    train_once "${asr_first_exp}" "${config}" python3 -m espnet2.bin.interruptible_asr_train \
        --config "${config}" --use_preprocessor true "${text_options[@]}" \
        "${options[@]}" "${normalize_options[@]}" --frontend_conf "fs=${fs}" \
        --fold_length "${enh_asr_speech_fold_length}00" \
        --fold_length "${enh_asr_text_fold_length}" \
        --best_model_criterion valid,acc,max "${words[@]}" \
        --resume true --output_dir "${asr_first_exp}"
    init_param=${asr_first_exp}/valid.acc.ave.pth::s2t_model
}

# train_enh_first: the SE module by its own loss; a recogniser from before stays
train_enh_first() {
    local init=()
    [[ " ${enh_first_args}" == *" --best_model_criterion "* ]] ||
        awk '$1 !~ /(REAL|CLEAN)$/ { n++ } END { exit !n }' "${dump}/${valid_set}/wav.scp" ||
        die "${dump}/${valid_set} has no clean references, by which to choose the SE" \
            'module; give --enh_first_args "--best_model_criterion train,loss_enh,min"' \
            "--enh_first_model train.loss_enh.ave.pth"
    log "Stage 11: the SE module alone -> ${enh_first_exp}"
    [ -z "${init_param}" ] || init=(--init_param "${init_param}")
    name_training_data wav.scp spk1.scp
    split_words "${enh_first_args}"
    train_once "${enh_first_exp}" "${enh_asr_config}" \
        "${joint_training[@]}" --gradient_method sum --enh_weight 1 \
        --freeze_param s2t_model --best_model_criterion valid,loss_enh,min "${words[@]}" \
        "${shape_options[@]}" "${normalize_options[@]}" "${init[@]}" \
        --ignore_init_mismatch "${ignore_init_mismatch}" \
        --resume true --output_dir "${enh_first_exp}"
    init_param=${enh_first_exp}/${enh_first_model}
}
