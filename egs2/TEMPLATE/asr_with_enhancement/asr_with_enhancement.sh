#!/usr/bin/env bash
# Speech enhancement and recognition trained together, stage by stage.
# Run it from a recipe folder (egs2/<corpus>/asr_with_enhancement), as run.sh does.
# shellcheck source-path=SCRIPTDIR disable=SC2034  # tools and cmd.sh use options too
set -euo pipefail

# Options (with their defaults; each takes one value, as in --stage 3)
# -- which stages
stage=1               # first stage
stop_stage=10000      # last stage
skip_data_prep=false  # leave out stages 1-5
skip_train=false      # leave out stages 6-11
skip_eval=false       # leave out stages 12-15
skip_upload_hf=false  # leave out stage 17 even where --hf_repo is given
# -- machine
ngpu=1                # GPUs for training, per machine (0: CPU)
cpu_ranks=1           # processes that share each batch of a training with --ngpu 0
num_nodes=1           # machines for training
nj=32                 # parallel jobs for data and statistics
inference_nj=32       # parallel jobs for decoding, enhancement and their scores
gpu_inference=false   # decode and enhance on a GPU
dumpdir=dump          # where formatted audio goes
expdir=exp            # where models and results go
# -- data
train_set=            # name of the training set in data/
valid_set=            # name of the validation set in data/
test_sets=            # names of the test sets in data/, separated by spaces
local_data_opts=      # options for local/data.sh
speed_perturb_factors=  # e.g. "0.9 1.0 1.1"; empty: no speed perturbation
audio_format=flac     # format of the formatted audio: flac or wav
fs=16k                # sampling rate
ref_channel=          # channel to take, from 0, if audio files have several
multi_channel=false   # keep all channels of the noisy speech, for a beamformer; --ref_channel is the references'
min_wav_duration=0.1  # s; shorter training and validation utterances are dropped
max_wav_duration=20   # s; longer ones are dropped
# -- tokens
token_type=bpe        # bpe or char
nbpe=30               # number of BPE tokens
bpemode=unigram       # unigram or bpe
oov="<unk>"           # unknown token
blank="<blank>"       # CTC's blank token
sos_eos="<sos/eos>"   # start and end of a sentence
bpe_input_sentence_size=100000000  # most sentences that BPE training looks at
bpe_nlsyms=           # symbols that BPE keeps whole, separated by commas
bpe_char_cover=1.0    # share of the characters that BPE covers
bpe_train_text=       # texts to train BPE on, separated by spaces (default: that of the training set)
nlsyms_txt=none       # file of non-linguistic symbols, one a line: whole in char, not scored
cleaner=none          # upstream's text cleaner, for training text and scores
lang=noinfo           # language name, which becomes part of folder names
# -- language model
use_lm=true           # train an LM and decode with it
lm_tag=               # name of the LM folder (default: made from the config)
lm_exp=               # folder of the LM (default: <expdir>/lm_<lm_tag>)
lm_stats_dir=         # folder of the LM statistics
lm_config=            # training config of the LM
lm_args=              # more options for LM training
lm_train_text=        # LM training texts, separated by spaces (default: that of the training set)
lm_dev_text=          # LM validation text (default: that of the validation set)
lm_test_text=         # text for perplexity (default: that of the first test set)
lm_fold_length=150    # tokens at which an LM batch is halved
# -- joint model
enh_asr_tag=          # name of the model folder (default: made from the config)
enh_asr_exp=          # folder of the model (default: <expdir>/enh_asr_<tag>)
enh_asr_stats_dir=    # folder of the statistics
enh_asr_config=       # training config of the joint model
enh_asr_args=         # more options for training
pretrained_model=     # parameters to start from: <file>:<from>:<to>, see --init_param
ignore_init_mismatch=false      # leave out parameters of other shapes there
asr_model=            # a trained recogniser to take: experiment folder, packed zip or hub tag
freeze_asr=false      # the recogniser stays as it is; the SE module alone learns
feats_normalize=global_mvn      # of ASR features: global_mvn or utt_mvn
enh_asr_speech_fold_length=800  # x100 samples at which a batch is halved
enh_asr_text_fold_length=150    # tokens at which a batch is halved
# -- modules trained alone before, in stage 11
train_first=          # asr (the recogniser), enh (the SE module), "asr enh"; "asr only": end there
asr_first_speech=wav.scp        # what that recogniser hears: wav.scp (noisy), spk1.scp (clean)
asr_first_args=       # more options for training the recogniser alone
enh_first_args=       # more options for training the SE module alone
asr_first_exp=        # its folder (default: <expdir>/asr_first_<config>_<tokens>)
enh_first_exp=        # its folder (default: <expdir>/enh_first_<config>_<tokens>)
enh_first_model=valid.loss_enh.ave.pth  # SE module there to begin with
# -- decoding, enhancement, scores
download_model=           # joint model to decode and enhance with: packed zip or hub tag; none is trained
batch_size=1              # decoding batch size
inference_tag=            # name of the decoding folder (default: made from the config)
inference_config=         # decoding config
asr_inference_args=       # more options for decoding
inference_lm=valid.loss.ave.pth            # LM to decode with
inference_enh_asr_model=valid.acc.ave.pth  # joint model to decode and enhance with
enh_inference_args="--normalize_output_wav true"  # more options for enhancement
inference_enh_config=     # config that overrides the enhancement model's settings
inference_enh_tag=        # begins the folders of enhanced speech (default: enhanced, or that config's name)
scoring_protocol="STOI SDR SAR SIR SI_SNR PESQ"  # enhancement scores; PESQ only if named
score_opts=               # of sclite: -s and -e utf-8 are what the scores here do in any case
local_score_opts=         # options for local/score.sh, if the recipe has one
# -- other recognisers, in stage 14
unseen_asr_models=        # recognisers that training never saw: as of --asr_model, of any rate; or pocketsphinx
pocketsphinx_grammar=conf/grammar.jsgf  # JSGF grammar of the test sets, for pocketsphinx
noisy_share=              # of noisy speech in what recognisers hear: 0 to 1, or auto (chosen on valid)
# -- model card and upload
hf_repo=                  # <user>/<name> on Hugging Face (empty: no stage 17)
hf_license=               # licence named in the model card, e.g. cc-by-4.0
hf_language=              # language named in the model card, e.g. en
# End of options

. scripts/utils/stage_tools.sh
. scripts/utils/run_training.sh
. scripts/utils/train_first.sh
. scripts/utils/take_recogniser.sh
. scripts/utils/recognisers.sh
. scripts/utils/upstream_options.sh
help_message=$(sed -n '2,3s/^# //p; /^# Options/,/^# End of options/{s/^\([a-z_]*\)=/--\1 /;p;}' "$0")
run_command="$(printf '%q ' "$0" "$@")"
. utils/parse_options.sh
[ $# -eq 0 ] || die "'$1' is not an option; see --help"
. ./path.sh
. ./cmd.sh
check_upstream_options

for name in train_set valid_set test_sets; do
    [ -n "${!name}" ] || die "--${name} is missing; see --help"
done
for name in stage stop_stage nj inference_nj nbpe ngpu cpu_ranks num_nodes; do
    [[ ${!name} =~ ^[0-9]+$ ]] || die "--${name} wants a whole number, not '${!name}'"
done
for name in nj inference_nj cpu_ranks num_nodes; do
    [ "${!name}" -gt 0 ] || die "--${name} wants 1 or more"
done
[[ ${token_type} =~ ^(bpe|char)$ ]] || die "--token_type wants bpe or char"
[[ ${feats_normalize} =~ ^(global_mvn|utt_mvn)$ ]] ||
    die "--feats_normalize wants global_mvn or utt_mvn, not '${feats_normalize}'"
[[ ${freeze_asr} =~ ^(true|false)$ ]] || die "--freeze_asr wants true or false"
[[ ${train_first} =~ ^(asr|enh|asr enh|asr only)?$ ]] ||
    die "--train_first wants asr, enh, 'asr enh' or 'asr only', not '${train_first}'"
[[ ${asr_first_speech} =~ ^(wav|spk1)\.scp$ ]] ||
    die "--asr_first_speech wants wav.scp or spk1.scp, not '${asr_first_speech}'"
[[ ${noisy_share} =~ ^(auto|0|1|0?\.[0-9]+|1\.0+)?$ ]] ||
    die "--noisy_share wants a number from 0 to 1, or auto, not '${noisy_share}'"
if [ -n "${train_first}" ]; then
    [ -n "${enh_asr_config}" ] || die "--train_first wants an --enh_asr_config"
    [[ ${train_first} != asr* || -z ${pretrained_model} ]] ||
        die "--pretrained_model is what --train_first asr trains; give one of them"
fi
[[ ${dumpdir}${expdir}${enh_asr_exp}${lm_exp}${asr_first_exp}${enh_first_exp} != *,* ]] ||
    die "folder names must not have commas, which ESPnet takes for separators"
[[ ${PWD} != *:* ]] || die "the path of this folder must not have a colon: ${PWD}"
for name in dumpdir expdir enh_asr_exp lm_exp asr_first_exp enh_first_exp enh_asr_tag \
    lm_tag inference_tag inference_enh_tag enh_asr_stats_dir lm_stats_dir train_set valid_set; do
    [[ ${!name} != -* && ${!name} != *JOB* && ${!name} != *[[:cntrl:]]* ]] ||
        die "--${name} '${!name}' begins with -, or holds JOB (which stands for a job's number), or a control character"
done
for word in ${score_opts}; do
    [[ ${word} =~ ^(-s|-e|utf-8)$ ]] ||
        die "--score_opts ${score_opts}: the scores here are not sclite's; of its options, -s and -e utf-8 hold in any case. Its own scores: sclite on the trn files of stage 14"
done
for name in enh_asr_config lm_config inference_config inference_enh_config; do
    [ -z "${!name}" ] || [ -f "${!name}" ] || die "--${name}: there is no file ${!name}"
done
read -ra tests <<< "${test_sets}"

# Why stages are left out, if they are
data_off=$([ "${skip_data_prep}" = false ] || echo "--skip_data_prep true")
train_off=$([ "${skip_train}" = false ] || echo "--skip_train true")
eval_off=$([ "${skip_eval}" = false ] || echo "--skip_eval true")
hub_off=$([ -n "${hf_repo}" ] || echo "an empty --hf_repo")
[ "${skip_upload_hf}" = false ] || hub_off="--skip_upload_hf true"
lm_off=${train_off}
[ "${use_lm}" = true ] || lm_off="--use_lm false"

# Names of folders and files that several stages use
raw_train_set=${train_set}
suffix=
if [ -n "${speed_perturb_factors}" ]; then
    train_set=${train_set}_sp
    suffix=_sp
fi
dump=${dumpdir}/raw
lang_tag=
[ "${lang}" = noinfo ] || lang_tag=${lang}_
tokens_tag=${lang_tag}${token_type}
bpemodel=none
if [ "${token_type}" = bpe ]; then
    tokens_tag+="${nbpe}"
    token_dir=data/${lang_tag}token_list/bpe_${bpemode}${nbpe}
    bpemodel=${token_dir}/bpe.model
else
    token_dir=data/${lang_tag}token_list/char
fi
[ -z "${download_model}" ] || take_joint_model
[ -z "${asr_model}" ] || take_recogniser
[ -z "${unseen_asr_models}" ] || take_unseen
token_list=${token_dir}/tokens.txt

: "${lm_tag:=$(config_stem "${lm_config}")_${tokens_tag}$(args_tag "${lm_args}")}"
: "${lm_exp:=${expdir}/lm_${lm_tag}}"
: "${lm_stats_dir:=${expdir}/lm_stats_${tokens_tag}}"
frozen_tag=$([ "${freeze_asr}" = false ] || echo _frozen_asr)
model_tag=$(config_stem "${enh_asr_config}")_raw_${tokens_tag}
: "${enh_asr_tag:=${model_tag}${frozen_tag}$(args_tag "${enh_asr_args}")${suffix}${train_first:+_after_${train_first// /_}}}"
: "${enh_asr_exp:=${expdir}/enh_asr_${enh_asr_tag}}"
: "${asr_first_exp:=${expdir}/asr_first_${model_tag}$(args_tag "${asr_first_args}")${suffix}$([ "${asr_first_speech}" = wav.scp ] || echo _clean)}"
if [ -z "${enh_first_exp}" ]; then
    enh_first_exp=${expdir}/enh_first_${model_tag}$(args_tag "${enh_first_args}")${suffix}
    [[ ${train_first} != asr* ]] || enh_first_exp+=_after_asr$(args_tag "${asr_first_args}")
fi
: "${enh_asr_stats_dir:=${expdir}/enh_asr_stats_raw_${tokens_tag}${suffix}}"
if [ -z "${inference_tag}" ]; then
    inference_tag=$(basename "${inference_config:-inference}" .yaml)
    inference_tag+=$(args_tag "${asr_inference_args}")
    if [ "${use_lm}" = true ]; then
        inference_tag+=_lm_${lm_exp##*/}_$(basename "${inference_lm}" .pth)
    fi
    inference_tag+=_enh_asr_model_$(basename "${inference_enh_asr_model}" .pth)
fi
: "${lm_test_text:=${dump}/${tests[0]}/text_spk1}"
decode_dir=${enh_asr_exp}/${inference_tag}
joint_model=${enh_asr_exp}/${inference_enh_asr_model}
: "${inference_enh_tag:=$(basename "${inference_enh_config:-enhanced}" .yaml)}"
enhanced=${enh_asr_exp}/${inference_enh_tag}
recognisers=${enh_asr_exp}/recognisers
packed=${enh_asr_exp}/${enh_asr_exp##*/}_$(basename "${inference_enh_asr_model}" .pth)

text_options=(--token_type "${token_type}" --token_list "${token_list}"
    --bpemodel "${bpemodel}" --cleaner "${cleaner}" --g2p none
    --non_linguistic_symbols "${nlsyms_txt}")

noisy_channel=${ref_channel} # to take of the noisy speech
if [ "${multi_channel}" = true ]; then
    noisy_channel=all
    : "${ref_channel:=0}"
fi

# Every data set once, even if it is validation and test set
mapfile -t all_sets < <(printf '%s\n' "${train_set}" "${valid_set}" "${tests[@]}" |
    awk '!seen[$0]++')
if runs 1 "${data_off}" "data preparation (local/data.sh)"; then
    [ -x local/data.sh ] || die "local/data.sh of this recipe is missing, or not executable"
    split_words "${local_data_opts}"
    local/data.sh "${words[@]}"
    for dset in "${raw_train_set}" "${all_sets[@]:1}"; do
        utils/validate_data_dir.sh "data/${dset}"
    done
fi

if runs 2 "${data_off}" "speed perturbation"; then
    if [ -z "${speed_perturb_factors}" ]; then
        log "Stage 2: nothing to do, because --speed_perturb_factors is empty"
    else
        source=data/${raw_train_set}
        require_file "${source}/wav.scp" 1
        tell_pipes "${source}"/{spk1,wav}.scp
        claim "data/${train_set}"
        rm -rf "data/${train_set}" "data/.${train_set}.tmp"
        parts=()
        for factor in ${speed_perturb_factors}; do
            if [[ ${factor} =~ ^1(\.0*)?$ && ! -e ${source}/segments ]]; then
                parts+=("${source}")
                continue
            fi
            parts+=("${source}_sp${factor}")
            python3 pyscripts/audio/perturb_speed.py --factor "${factor}" \
                ${noisy_channel:+--ref_channel "${noisy_channel}"} \
                "${source}" "${parts[-1]}"
        done
        utils/combine_data.sh "data/.${train_set}.tmp" "${parts[@]}"
        utils/validate_data_dir.sh "data/.${train_set}.tmp"
        mv "data/.${train_set}.tmp" "data/${train_set}"
    fi
fi

if runs 3 "${data_off}" "format the audio: ${fs}, ${audio_format}"; then
    [ -z "${suffix}" ] || require_file "data/${train_set}/wav.scp" 2
    for dset in "${all_sets[@]}"; do claim "${dump}/${dset}"; done
    for dset in "${all_sets[@]}"; do
        log "Stage 3: data/${dset} -> $(formatted "${dset}")"
        format_set "data/${dset}" "$(formatted "${dset}")"
    done
fi

if runs 4 "${data_off}" "drop too short and too long utterances; texts for the LM"; then
    claim "${dump}/${train_set}" "${dump}/${valid_set}"
    rm -f "${dump}/lm_dev.txt" # last written: says that the stage is complete
    for dset in "${train_set}" "${valid_set}"; do
        require_file "${dump}/org/${dset}/feats_type" 3
        python3 pyscripts/utils/filter_data.py --fs "${fs}" \
            --min_wav_duration "${min_wav_duration}" \
            --max_wav_duration "${max_wav_duration}" "${dump}/org/${dset}" "${dump}/${dset}"
    done
    for pair in "lm_train:${lm_train_text:-${dump}/${train_set}/text_spk1}" \
        "lm_dev:${lm_dev_text:-${dump}/${valid_set}/text_spk1}"; do
        name_files "${pair#*:}"
        for file in "${files[@]}"; do require_file "${file}" 1; done
        make_file "${dump}/${pair%%:*}.txt" join_texts "${files[@]}"
    done
fi

if runs 5 "${data_off}" "tokens (${token_type}) -> ${token_list}"; then
    name_files "${bpe_train_text:-${dump}/${train_set}/text_spk1}"
    for file in "${files[@]}"; do require_file "${file}" 4; done
    require_file "${dump}/${valid_set}/text_spk1" 4
    require_file "${dump}/lm_dev.txt" 4
    claim "${token_dir}"
    if [ -n "${asr_model}${download_model}" ]; then
        log "Stage 5: the tokens are those of ${asr_model}${download_model}"
    elif [ "${token_type}" = bpe ]; then
        python3 pyscripts/text/train_bpe.py --text "${files[@]}" --nbpe "${nbpe}" \
            --bpemode "${bpemode}" --character_coverage "${bpe_char_cover}" \
            --input_sentence_size "${bpe_input_sentence_size}" \
            --user_defined_symbols "${bpe_nlsyms}" --blank "${blank}" --oov "${oov}" \
            --sos_eos "${sos_eos}" "${token_dir}"
    else
        mkdir -p "${token_dir}"
        make_file "${token_dir}/train.txt" join_texts "${files[@]}"
        python3 -m espnet2.bin.tokenize_text --log_level WARNING --token_type char \
            --input "${token_dir}/train.txt" --output "${token_list}.tmp" --field 2- \
            --cleaner "${cleaner}" --non_linguistic_symbols "${nlsyms_txt}" \
            --write_vocabulary true --add_symbol "${blank}:0" --add_symbol "${oov}:1" \
            --add_symbol "${sos_eos}:-1"
        mv "${token_list}.tmp" "${token_list}"
    fi
    python3 pyscripts/text/check_tokens.py --token_list "${token_list}" \
        --token_type "${token_type}" --bpemodel "${bpemodel}" --cleaner "${cleaner}" \
        --non_linguistic_symbols "${nlsyms_txt}" \
        --train "${dump}/${train_set}/text_spk1" --valid "${dump}/${valid_set}/text_spk1"
fi

split_words "${lm_args}"
lm_training=(python3 -m espnet2.bin.interruptible_lm_train --use_preprocessor true
    "${text_options[@]}"
    --train_data_path_and_name_and_type "${dump}/lm_train.txt,text,text"
    --valid_data_path_and_name_and_type "${dump}/lm_dev.txt,text,text"
    ${lm_config:+--config "${lm_config}"} "${words[@]}")
if runs 6 "${lm_off}" "LM statistics -> ${lm_stats_dir}"; then
    require_file "${dump}/lm_train.txt" 4
    require_file "${dump}/lm_dev.txt" 4
    require_file "${token_list}" 5
    collect_stats "${lm_stats_dir}" "${dump}"/lm_{train,dev}.txt "${lm_training[@]}"
    append_vocab_size "${lm_stats_dir}" text_shape
fi

if runs 7 "${lm_off}" "LM training -> ${lm_exp}"; then
    require_file "${dump}/lm_train.txt" 4
    require_file "${lm_stats_dir}/valid/text_shape.${token_type}" 6
    training_data=("$(cat "${dump}"/lm_{train,dev}.txt | cksum)" "${dump}/lm_train.txt and lm_dev.txt")
    run_training "${lm_exp}" "${lm_training[@]}" \
        --train_shape_file "${lm_stats_dir}/train/text_shape.${token_type}" \
        --valid_shape_file "${lm_stats_dir}/valid/text_shape.${token_type}" \
        --fold_length "${lm_fold_length}" --resume true --output_dir "${lm_exp}"
fi

lm_files=()
[ "${use_lm}" != true ] ||
    lm_files=(--lm_train_config "${lm_exp}/config.yaml" --lm_file "${lm_exp}/${inference_lm}")
if runs 8 "${lm_off}" "perplexity of ${lm_test_text}"; then
    require_file "${lm_exp}/${inference_lm}" 7
    require_file "${lm_test_text}" 3
    quote_words python3 -m espnet2.bin.lm_calc_perplexity --ngpu "${ngpu}" \
        --data_path_and_name_and_type "${lm_test_text},text,text" \
        --train_config "${lm_exp}/config.yaml" --model_file "${lm_exp}/${inference_lm}" \
        --output_dir "${lm_exp}/perplexity_test"
    ${cuda_cmd} --gpu "${ngpu}" "${lm_exp}/perplexity_test/lm_calc_perplexity.log" \
        "${quoted[@]}"
    log "Stage 8: perplexity $(cat "${lm_exp}/perplexity_test/ppl")"
fi

if runs 9 "" "n-gram language model"; then
    log "Stage 9: nothing to do: n-gram models are not part of this recipe"
fi

asr_data=()
for pair in "train:${train_set}" "valid:${valid_set}"; do
    for entry in wav.scp,speech,sound spk1.scp,speech_ref1,sound text_spk1,text_spk1,text; do
        asr_data+=("--${pair%%:*}_data_path_and_name_and_type" "${dump}/${pair#*:}/${entry}")
    done
done
joint_training=(python3 -m espnet2.bin.gradient_remedy_train --use_preprocessor true
    "${text_options[@]}" "${asr_data[@]}"
    ${enh_asr_config:+--config "${enh_asr_config}"}
    --frontend_conf "fs=${fs}" --text_name text_spk1)
split_words "${enh_asr_args}"
joint_args=("${words[@]}")

if runs 10 "${train_off}" "statistics -> ${enh_asr_stats_dir}"; then
    for file in {"${train_set}","${valid_set}"}/{wav.scp,text_spk1} lm_dev.txt; do
        require_file "${dump}/${file}" 4
    done
    for dset in "${train_set}" "${valid_set}"; do
        [ -e "${dump}/${dset}/spk1.scp" ] ||
            die "data/${dset} has no spk1.scp, the clean references that joint training needs; add it and run again from --stage 3"
    done
    require_file "${token_list}" 5
    hold "${dump}/${train_set}" "${dump}/${valid_set}"
    # Only global normalisation needs ASR features here; the shapes come by themselves.
    extract=false
    [ "${feats_normalize}" = utt_mvn ] || [ -n "${asr_model}" ] || extract=true
    collect_stats "${enh_asr_stats_dir}" \
        "${dump}/${train_set}/wav.scp" "${dump}/${valid_set}/wav.scp" \
        "${joint_training[@]}" "${joint_args[@]}" \
        --asr_model_conf "extract_feats_in_collect_stats=${extract}"
    append_vocab_size "${enh_asr_stats_dir}" text_spk1_shape
fi

if runs 11 "${train_off}" "training -> ${enh_asr_exp}"; then
    require_file "${dump}/${train_set}/wav.scp" 4
    require_file "${dump}/lm_dev.txt" 4
    require_file "${token_list}" 5
    hold "${dump}/${train_set}" "${dump}/${valid_set}"
    require_file "${enh_asr_stats_dir}/valid/text_spk1_shape.${token_type}" 10
    normalize_options=(--normalize utterance_mvn)
    if [ -n "${asr_model}" ]; then
        normalize_options=() # in the config
    elif [ "${feats_normalize}" = global_mvn ]; then
        require_file "${enh_asr_stats_dir}/train/feats_stats.npz" 10
        stats=${enh_asr_stats_dir}/train/feats_stats.npz # read as YAML, thus in quotes
        normalize_options=(--normalize global_mvn --normalize_conf
            "stats_file='${stats//\'/\'\'}'")
    fi
    shape_options=()
    for part in train valid; do
        for file in speech_shape speech_ref1_shape "text_spk1_shape.${token_type}"; do
            shape_options+=("--${part}_shape_file" "${enh_asr_stats_dir}/${part}/${file}")
        done
    done
    shape_options+=(--fold_length "${enh_asr_speech_fold_length}00"
        --fold_length "${enh_asr_speech_fold_length}00"
        --fold_length "${enh_asr_text_fold_length}")
    init_param=${pretrained_model} # the modules trained first take its place
    [[ ${train_first} != asr* ]] || train_asr_first
    if [ "${train_first}" = "asr only" ]; then
        log "Done: joint training can take it by --asr_model ${asr_first_exp}"
        exit
    fi
    [[ ${train_first} != *enh ]] || train_enh_first
    [ -z "${init_param}" ] || joint_args+=(--init_param "${init_param}")
    [ "${freeze_asr}" = false ] || joint_args+=(--freeze_param s2t_model)
    log "Stage 11: the joint training -> ${enh_asr_exp}"
    name_training_data wav.scp spk1.scp
    open_training "${enh_asr_exp}"
    echo "${run_command} --stage 11 \"\$@\" # resumes this training" > "${enh_asr_exp}/run.sh"
    run_training "${enh_asr_exp}" "${joint_training[@]}" \
        "${joint_args[@]}" "${normalize_options[@]}" "${shape_options[@]}" \
        --resume true --ignore_init_mismatch "${ignore_init_mismatch}" \
        --output_dir "${enh_asr_exp}"
fi

if runs 12 "${eval_off}" "decoding -> ${decode_dir}"; then
    [ "${use_lm}" != true ] || require_file "${lm_exp}/${inference_lm}" 7
    require_file "${joint_model}" 11
    split_words "${asr_inference_args}"
    for dset in "${tests[@]}"; do
        infer "${dset}" "${decode_dir}/${dset}" text_spk1 asr_inference speech \
            --asr_train_config "${enh_asr_exp}/config.yaml" --asr_model_file "${joint_model}" \
            --batch_size "${batch_size}" ${inference_config:+--config "${inference_config}"} \
            "${lm_files[@]}" "${words[@]}"
        join_jobs "${decode_dir}/${dset}" 1best_recog/{token,token_int,score,text}_spk1
    done
fi

if runs 13 "${eval_off}" "enhancement -> ${enhanced}_*"; then
    require_file "${joint_model}" 11
    split_words "${enh_inference_args}"
    for dset in "${tests[@]}"; do
        infer "${dset}" "${enhanced}_${dset}" spk1.scp enh_inference speech_mix \
            --train_config "${enh_asr_exp}/config.yaml" --model_file "${joint_model}" \
            --fs "${fs}" ${inference_enh_config:+--inference_config "${inference_enh_config}"} \
            "${words[@]}"
        join_jobs "${enhanced}_${dset}" spk1.scp
    done
fi

if runs 14 "${eval_off}" "ASR scores -> ${enh_asr_exp}/RESULTS.md"; then
    for dset in "${tests[@]}"; do
        require_file "${dump}/${dset}/feats_type" 3
        require_file "${decode_dir}/${dset}/text_spk1" 12
        hold "${dump}/${dset}" "${decode_dir}/${dset}"
        scores=(wer:word cer:char)
        if [ "${token_type}" = char ]; then
            log "Stage 14: no TER for ${dset}, because a char is a token"
        else
            scores+=(ter:token)
        fi
        score_text "${dump}/${dset}" "${decode_dir}/${dset}" "${scores[@]}"
    done
    if [ -x local/score.sh ]; then
        split_words "${local_score_opts}"
        local/score.sh "${words[@]}" "${enh_asr_exp}"
    fi
    show_results show_asr_result.py "${enh_asr_exp}" RESULTS.md
    [ -z "${unseen_asr_models}${noisy_share}" ] || try_recognisers
fi

if runs 15 "${eval_off}" "enhancement scores -> ${enh_asr_exp}/RESULTS_enh.md"; then
    scored=0
    for dset in "${tests[@]}"; do
        require_file "${dump}/${dset}/feats_type" 3
        require_file "${enhanced}_${dset}/spk1.scp" 13
        hold "${dump}/${dset}" "${enhanced}_${dset}"
        if [ ! -e "${dump}/${dset}/spk1.scp" ]; then
            log "Stage 15: ${dset} is left out, because it has no clean reference (spk1.scp)"
            continue
        fi
        awk '$1 !~ /REAL$/' "${dump}/${dset}/spk1.scp" > "${enhanced}_${dset}/simulated.scp"
        if [ ! -s "${enhanced}_${dset}/simulated.scp" ]; then
            log "Stage 15: ${dset} is left out, because real recordings (ids ending in REAL) have no clean reference"
            continue
        fi
        log "Stage 15: ${dset}: noisy speech, then enhanced speech"
        score_noisy "${dump}/${dset}" "${enhanced}_${dset}/noisy" \
            "${enhanced}_${dset}/simulated.scp"
        score_enhancement "${dump}/${dset}/spk1.scp" "${enhanced}_${dset}/spk1.scp" \
            "${enhanced}_${dset}/scoring" "${enhanced}_${dset}/simulated.scp"
        scored=$((scored + 1))
    done
    if [ "${scored}" -gt 0 ]; then
        for dir in "${dump}" "${enh_asr_exp}"; do
            show_results show_enh_score.py "${dir}" RESULTS_enh.md
        done
    fi
fi

if runs 16 "" "packing the model"; then
    require_file "${joint_model}" 11
    [ "${use_lm}" != true ] || require_file "${lm_exp}/${inference_lm}" 7
    options=("${lm_files[@]}")
    for file in "${bpemodel}" "${token_list}" "${enh_asr_stats_dir}/train/feats_stats.npz" \
        "${token_dir}/feats_stats.npz" \
        "${enh_asr_exp}/RESULTS.md" "${enh_asr_exp}/RESULTS_enh.md" "${enh_asr_exp}/images"; do
        [ ! -e "${file}" ] || options+=(--option "${file}")
    done
    python3 -m espnet2.bin.pack enh_s2t --outpath "${packed}.tmp.zip" \
        --enh_s2t_train_config "${enh_asr_exp}/config.yaml" \
        --enh_s2t_model_file "${joint_model}" "${options[@]}"
    mv "${packed}.tmp.zip" "${packed}.zip"
    log "Stage 16: ${packed}.zip"
fi

if runs 17 "${hub_off}" "model card and upload to Hugging Face"; then
    require_file "${packed}.zip" 16
    make_file "${enh_asr_exp}/README.md" python3 pyscripts/utils/model_card.py \
        --exp "${enh_asr_exp}" --repo "${hf_repo}" --packed "${packed}.zip" \
        --license "${hf_license}" --language "${hf_language}"
    python3 pyscripts/utils/upload_model.py --repo "${hf_repo}" \
        --packed "${packed}.zip" --card "${enh_asr_exp}/README.md"
fi
log "Done: stages ${stage} to $((stop_stage < 17 ? stop_stage : 17))"
if [ -z "${eval_off}" ] && [ "${stage}" -le 15 ] && [ "${stop_stage}" -ge 15 ]; then
    python3 pyscripts/utils/show_summary.py --exp "${enh_asr_exp}" \
        --dumpdir "${dumpdir}" --test_sets "${test_sets}" --enh_tag "${inference_enh_tag}"
    python3 -m espnet2.bin.result_page "${enh_asr_exp}" --dumpdir "${dumpdir}" \
        --enh_tag "${inference_enh_tag}"
fi
