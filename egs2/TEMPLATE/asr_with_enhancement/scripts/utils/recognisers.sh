#!/usr/bin/env bash
# Stage 14's other recognisers: those of --unseen_asr_models, and the joint model's own
# without its SE module. Each hears noisy, enhanced and clean speech, and mixtures of noisy
# and enhanced speech (--noisy_share). To be sourced by asr_with_enhancement.sh, whose
# options and names of folders it uses.
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2154
. scripts/utils/stage_tools.sh

tried_shares="0 0.1 0.2 0.3 0.4 0.5" # of which --noisy_share auto chooses
unseen_names=()

# take_unseen: copy the files of each of --unseen_asr_models, or say which cannot be taken
take_unseen() {
    local model name pairs=()
    split_words "${unseen_asr_models}"
    for model in "${words[@]}"; do
        name=$(basename "${model}" .zip)
        name=${name//[^A-Za-z0-9._-]/_}
        [[ " own ${unseen_names[*]} " != *" ${name} "* ]] ||
            die "--unseen_asr_models: ${model}: another recogniser is called '${name}' too; rename it"
        unseen_names+=("${name}")
        if [ "${model}" != pocketsphinx ]; then
            pairs+=("${model}" "${expdir}/unseen_asr_${name}")
            continue
        fi
        [ -f "${pocketsphinx_grammar}" ] ||
            die "--unseen_asr_models pocketsphinx wants a grammar: there is no file ${pocketsphinx_grammar} (--pocketsphinx_grammar)"
        python3 pyscripts/utils/check_grammar.py --fs "${fs}" "${pocketsphinx_grammar}"
    done
    [ "${#pairs[@]}" -eq 0 ] || python3 pyscripts/utils/take_listeners.py --fs "${fs}" "${pairs[@]}"
}

# try_recognisers: let the own one and each unseen one hear the test sets; show the table
try_recognisers() {
    local name dset share
    python3 pyscripts/utils/take_listeners.py --fs "${fs}" --weights "${inference_enh_asr_model}" \
        "${enh_asr_exp}" "${recognisers}/own/model"
    for name in own "${unseen_names[@]}"; do
        for dset in "${tests[@]}"; do hear_sides "${name}" "${dset}"; done
        [ -n "${noisy_share}" ] || continue
        share=${noisy_share}
        [ "${share}" != auto ] || choose_share "${name}"
        for dset in "${tests[@]}"; do hear_mixture "${name}" "share_${share}" "${dset}"; done
    done
    show_results show_recognisers.py "${enh_asr_exp}" RESULTS_unseen.md
}

# hear_sides <recogniser> <set>: the noisy, the enhanced and, if there is one, the clean speech
hear_sides() {
    local set=${dump}/$2
    hear "$1" noisy "$2" "${set}/wav.scp"
    if [ "$1" = own ]; then # stage 12 has decoded that
        mkdir -p "${recognisers}/own/enhanced"
        ln -sfn "../../../${decode_dir##*/}/$2" "${recognisers}/own/enhanced/$2"
    else
        require_file "${enhanced}_$2/spk1.scp" 13
        hold "${enhanced}_$2"
        hear "$1" enhanced "$2" "${enhanced}_$2/spk1.scp"
    fi
    if [ -e "${set}/spk1.scp" ] && ! grep -qE '^[^ ]*REAL ' "${set}/spk1.scp"; then
        hear "$1" clean "$2" "${set}/spk1.scp"
    fi
}

# choose_share <recogniser>: set `share` to that with the fewest errors on the validation set
choose_share() {
    local one number=0 of
    of=$(wc -w <<< "${tried_shares}")
    require_file "${dump}/${valid_set}/wav.scp" 4
    for one in ${tried_shares}; do
        number=$((number + 1))
        log "Stage 14: $1: a share of ${one} on ${valid_set} (${number} of ${of})"
        hear_mixture "$1" "tried_${one}" "${valid_set}"
    done
    share=$(python3 pyscripts/utils/choose_share.py "${recognisers}/$1")
    log "Stage 14: $1: a share of ${share} makes the fewest word errors on ${valid_set}"
}

# hear_mixture <recogniser> <share_x or tried_x> <set>: enhanced speech with a share of noisy
hear_mixture() {
    hear "$1" "$2" "$3" "${dump}/$3/wav.scp" --enh_train_config "${enh_asr_exp}/config.yaml" \
        --enh_model_file "${joint_model}" --noisy_share "${2#*_}" \
        ${inference_enh_config:+--enh_inference_config "${inference_enh_config}"}
}

# hear <recogniser> <what> <set> <scp> [option ...]: decode in parallel jobs and score,
# unless that was done with the same options and files. What an unseen one makes of noisy
# and of clean speech is the same for all experiments, and they share it.
hear() {
    local dir=${recognisers}/$1/$2/$3 kept gpus=0 cmd=${decode_cmd} made_by program
    local model=${expdir}/unseen_asr_$1 files=("$4" "${dump}/$3/text_spk1") command=()
    kept=${dir}
    [[ $1 = own || $2 != @(noisy|clean) ]] || kept=${model}/$2/$3
    [ "$1" != own ] || model=${recognisers}/own/model
    hold "${dump}/$3"
    if [ "$1" = pocketsphinx ]; then
        program=pocketsphinx_inference
        command=(--wav_scp "$4" --grammar "${pocketsphinx_grammar}")
        files+=("${pocketsphinx_grammar}")
    else
        program=recogniser_inference
        [ "${gpu_inference}" = false ] || gpus=1 cmd=${cuda_cmd}
        split_words "${asr_inference_args}"
        command=(--ngpu "${gpus}" --data_path_and_name_and_type "$4,speech,sound"
            --asr_train_config "${model}/config.yaml" --asr_model_file "${model}/model.pth"
            ${inference_config:+--config "${inference_config}"} --batch_size "${batch_size}")
        [ "$1" != own ] || command+=("${lm_files[@]}")
        command+=("${words[@]}")
        files+=("${model}/model.pth" ${inference_config:+"${inference_config}"})
    fi
    [ "$#" -eq 4 ] || files+=("${joint_model}")
    command=(python3 -m "espnet2.bin.${program}" "${command[@]}" --data_fs "${fs}"
        ${ref_channel:+--ref_channel "${ref_channel}"} "${@:5}")
    made_by="${command[*]}"$'\n'"${cleaner} ${nlsyms_txt}"$'\n'$(stat -c '%n %y' "${files[@]}")
    if [ "$(cat "${kept}/made_by" 2> /dev/null || true)" = "${made_by}" ]; then
        log "Stage 14: ${kept} is up to date"
    else
        hear_anew "$@"
        [ "${kept}" = "${dir}" ] || share_result "${dir}" "${kept}"
    fi
    [ "${kept}" = "${dir}" ] || link_result "${kept}" "${dir}"
}

# hear_anew <recogniser> <what> <set> <scp>: what `hear` does, with its variables
hear_anew() {
    start_jobs "${dir}" "$4" made_by text_spk1
    log "Stage 14: $1 hears $3 ($2) in ${jobs} jobs; logs: ${dir}/logdir/*.log"
    quote_words "${command[@]}" \
        --key_file "${dir}/logdir/keys.JOB.scp" --output_dir "${dir}/logdir/output.JOB"
    ${cmd} --gpu "${gpus}" JOB=1:"${jobs}" "${dir}/logdir/${program}.JOB.log" "${quoted[@]}"
    join_jobs "${dir}" 1best_recog/text
    make_file "${dir}/text_spk1" python3 pyscripts/text/match_case.py \
        --reference "${dump}/$3/text_spk1" "${dir}/text"
    [[ $2 == tried_* ]] || score_text "${dump}/$3" "${dir}" cer:char
    score_text "${dump}/$3" "${dir}" wer:word
    make_file "${dir}/made_by" echo "${made_by}"
}
