#!/usr/bin/env bash
# The recogniser that --asr_model names, or the joint model that --download_model names, in
# place of one to be trained; to be sourced by asr_with_enhancement.sh, whose options and
# names of folders it uses.
# shellcheck disable=SC2034,SC2154

# take_recogniser: copy its files; its tokens and the joint config with it take the place
# of the recipe's
take_recogniser() {
    [ -n "${enh_asr_config}" ] || die "--asr_model wants an --enh_asr_config for the SE module"
    [ -z "${pretrained_model}" ] ||
        die "--pretrained_model and --asr_model both say what to begin with; give one of them"
    [[ ${train_first} != asr* ]] || die "--train_first asr trains what --asr_model takes"
    tokens_tag=$(basename "${asr_model}" .zip)
    tokens_tag=${tokens_tag//[^A-Za-z0-9._-]/_}
    token_dir=${expdir}/asr_model_${tokens_tag}
    python3 pyscripts/utils/take_recogniser.py --fs "${fs}" \
        --joint_config "${enh_asr_config}" "${asr_model}" "${token_dir}"
    enh_asr_config=${token_dir}/${enh_asr_config##*/}
    pretrained_model=${token_dir}/model.pth::s2t_model
    token_type=char bpemodel=none
    [ ! -e "${token_dir}/bpe.model" ] || token_type=bpe bpemodel=${token_dir}/bpe.model
}

# take_joint_model: copy its files, a language model's too; they take the place of what
# stages 5 to 11 make
take_joint_model() {
    [ -z "${asr_model}" ] ||
        die "--download_model names a trained joint model, --asr_model what to train one with; give one of them"
    enh_asr_exp=$(basename "${download_model}" .zip)
    enh_asr_exp=${expdir}/joint_model_${enh_asr_exp//[^A-Za-z0-9._-]/_}
    python3 pyscripts/utils/take_joint_model.py --fs "${fs}" "${download_model}" "${enh_asr_exp}"
    train_off="--download_model ${download_model}" lm_off=${train_off}
    inference_enh_asr_model=model.pth token_dir=${enh_asr_exp}
    token_type=char bpemodel=none
    [ ! -e "${token_dir}/bpe.model" ] || token_type=bpe bpemodel=${token_dir}/bpe.model
    lm_exp=${enh_asr_exp}/lm inference_lm=model.pth
    if [ "${use_lm}" = true ] && [ ! -e "${lm_exp}/${inference_lm}" ]; then
        log "${download_model} has no language model: decoding without one"
        use_lm=false
    fi
}
