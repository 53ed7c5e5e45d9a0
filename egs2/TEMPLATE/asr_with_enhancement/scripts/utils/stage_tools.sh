#!/usr/bin/env bash
# What several stages of asr_with_enhancement.sh do; to be sourced by it.
# The options and the names of folders come from there.
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2034,SC2154
. scripts/utils/locks.sh
. scripts/utils/quote_words.sh

# args_tag <options>: what they add to the name of a folder
args_tag() { echo "$1" | sed -e 's/--/_/g' -e 's/[ |=/]//g'; }
config_stem() { basename "${1:-train}" .yaml; }

# formatted <set>: its folder after stage 3; training and validation are filtered later
formatted() {
    case $1 in
        "${train_set}" | "${valid_set}") echo "${dump}/org/$1" ;;
        *) echo "${dump}/$1" ;;
    esac
}

log() { echo "$(date '+%Y-%m-%d %H:%M:%S') ${0##*/}: $*"; }
die() { log "error: $*" >&2; exit 1; }

# require_file <file> <stage that makes it>
require_file() {
    [ -e "$1" ] || die "$1 is missing; stage $2 makes it (--stage $2 --stop_stage $2)"
}

# make_file <file> <command ...>: of what the command prints; whole or not there
make_file() {
    local tmp
    tmp=$(dirname "$1")/.${1##*/}.$$.tmp # runs may make one file at the same time
    "${@:2}" > "${tmp}"
    mv "${tmp}" "$1"
}

# name_files <words>: set `files`: the one of that name, or those that the words name
name_files() {
    files=("$1")
    [ -e "$1" ] || read -ra files <<< "$1"
}

# join_texts <text> ...: lines "<id>_spk1 <words>" of all; ids of later files have a number
join_texts() {
    local file number=1
    for file in "$@"; do
        awk -v end="_spk1$([ "${number}" -eq 1 ] || echo "_${number}")" \
            'NF > 1 { sub(/^[^ \t]+/, "&" end); print }' < "${file}"
        number=$((number + 1))
    done
}

# count_lines <file>
count_lines() { wc -l < "$1" | tr -d ' '; }

# count_jobs <most> <table> ...: set `jobs`, never more than a table has lines
count_jobs() {
    local table count
    jobs=$1
    shift
    for table in "$@"; do
        count=$(count_lines "${table}")
        [ "${count}" -gt 0 ] || die "${table} is empty"
        jobs=$((jobs < count ? jobs : count))
    done
}

# split_keys <table> <prefix>: write <prefix>.N.scp for each of the `jobs`
split_keys() {
    local parts=() n
    for n in $(seq "${jobs}"); do parts+=("$2.${n}.scp"); done
    utils/split_scp.pl "$1" "${parts[@]}"
}

# remove_result <folder> <file> ...: the files that say it is complete go first
remove_result() {
    local file
    for file in "${@:2}"; do rm -f "$1/${file}"; done
    rm -rf "${1:?}"
}

# start_jobs <folder> <table> <file that says the folder is complete> ...: make the
# folder anew, with the table's entries for each of the `jobs`
start_jobs() {
    claim "$1"
    remove_result "$1" "${@:3}"
    mkdir -p "$1/logdir"
    count_jobs "${inference_nj}" "$2"
    split_keys "$2" "$1/logdir/keys"
}

# infer <set> <folder> <table that says it is complete> <program> <name of its input>
# <option> ...: run a program of upstream's on the set in parallel jobs
infer() {
    local set=${dump}/$1 dir=$2 program=$4 input=$5 cmd=${decode_cmd} gpus=0
    if [ "${gpu_inference}" = true ]; then
        cmd=${cuda_cmd}
        gpus=1
    fi
    require_file "${set}/feats_type" 3
    hold "${set}"
    start_jobs "${dir}" "${set}/wav.scp" "$3"
    log "Stage ${current_stage}: $1 in ${jobs} jobs; logs: ${dir}/logdir/*.log"
    quote_words python3 -m espnet2.bin.joint_inference "${program}" \
        --enh_s2t_task true --ngpu "${gpus}" \
        --data_path_and_name_and_type "${set}/wav.scp,${input},sound" \
        --key_file "${dir}/logdir/keys.JOB.scp" \
        --output_dir "${dir}/logdir/output.JOB" "${@:6}"
    ${cmd} --gpu "${gpus}" JOB=1:"${jobs}" "${dir}/logdir/${program}.JOB.log" "${quoted[@]}"
}

# join_jobs <folder> <path below output.N> ...: one sorted table of all jobs for each
join_jobs() {
    local file
    for file in "${@:2}"; do
        make_file "$1/${file##*/}" env LC_ALL=C sort "$1"/logdir/output.*/"${file}"
    done
}

# show_results <script> <folder> <file>: write the table, then show it
show_results() {
    make_file "$2/$3" python3 "pyscripts/utils/$1" "$2"
    cat "$2/$3"
}

# runs <number> <why it is left out, or ""> <what>: whether a stage is to run
runs() {
    [ "${stage}" -le "$1" ] && [ "${stop_stage}" -ge "$1" ] || return 1
    if [ -n "$2" ]; then
        log "Stage $1: left out ($3), because of $2"
        return 1
    fi
    log "Stage $1: $3"
    current_stage=$1
    release
}

# collect_stats <folder> <train keys> <valid keys> <command ...>: run the command's
# statistics in parallel jobs and add them up; the shape files come last
collect_stats() {
    local dir=$1 train_keys=$2 valid_keys=$3 inputs=() n
    shift 3
    claim "${dir}"
    remove_result "${dir}" valid/{text,text_spk1}"_shape.${token_type}"
    mkdir -p "${dir}/logdir"
    count_jobs "${nj}" "${train_keys}" "${valid_keys}"
    split_keys "${train_keys}" "${dir}/logdir/train"
    split_keys "${valid_keys}" "${dir}/logdir/valid"
    quote_words "$@" --collect_stats true --ngpu 0 \
        --train_shape_file "${dir}/logdir/train.JOB.scp" \
        --valid_shape_file "${dir}/logdir/valid.JOB.scp" \
        --output_dir "${dir}/logdir/stats.JOB"
    ${train_cmd} JOB=1:"${jobs}" "${dir}/logdir/stats.JOB.log" "${quoted[@]}"
    for n in $(seq "${jobs}"); do inputs+=(--input_dir "${dir}/logdir/stats.${n}"); done
    quote_words python3 -m espnet2.bin.aggregate_stats_dirs "${inputs[@]}" \
        --output_dir "${dir}"
    ${train_cmd} "${dir}/logdir/aggregate.log" "${quoted[@]}"
}

# append_vocab_size <folder with a train and a valid folder> <shape file>
append_vocab_size() {
    local size part
    size=$(count_lines "${token_list}")
    for part in train valid; do
        make_file "$1/${part}/$2.${token_type}" sed "s/\$/,${size}/" "$1/${part}/$2"
    done
}

# tell_pipes <scp> ...: say if tables have commands in place of files
tell_pipes() {
    local table count first
    for table in "$@"; do
        [ -e "${table}" ] || continue
        count=$(grep -c '|[[:space:]]*$' "${table}" || true)
        [ "${count}" -gt 0 ] || continue
        first=$(grep -m 1 '|[[:space:]]*$' "${table}")
        log "${table}: ${count} lines are commands, which are run now; the first: ${first}"
    done
}

# format_set <source> <target>: format the audio of a data folder and check it
format_set() {
    local name channel options=(--cmd "${train_cmd}" --nj "${nj}" --fs "${fs}")
    options+=(--audio_format "${audio_format}")
    require_file "$1/wav.scp" 1
    tell_pipes "$1"/{spk1,wav}.scp
    remove_result "$2" feats_type
    utils/copy_data_dir.sh "$1" "$2"
    if [ -e "$2/text" ] && [ ! -e "$2/text_spk1" ]; then # as in ESPnet's enh_asr1 recipes
        cp "$2/text" "$2/text_spk1"
    fi
    if [ -e "$1/segments" ]; then
        options+=(--segments "$1/segments")
        rm "$2/segments"
    fi
    rm -f "$2"/utt2dur "$2"/utt2num_frames
    for name in spk1 wav; do
        channel=${noisy_channel}
        [ "${name}" = wav ] || channel=${ref_channel}
        if [ -e "$1/${name}.scp" ]; then
            scripts/audio/format_wav_scp.sh "${options[@]}" --ref_channel "${channel}" \
                "$1/${name}.scp" "$2"
        fi
    done
    pyscripts/utils/check_data.py --fs "${fs}" --nj "${nj}" \
        ${noisy_channel:+--ref_channel "${noisy_channel}"} "$2"
    echo raw > "$2/feats_type" # last: says that the folder is complete
}

# score_text <reference set> <decoded set> <score:unit> ...: error rates, as wer:word
score_text() {
    local score options
    for score in "${@:3}"; do
        options=(--cleaner "${cleaner}" --nlsyms_txt "${nlsyms_txt}")
        [ "${score}" != ter:token ] || options=(--bpemodel "${bpemodel}")
        python3 pyscripts/utils/score_asr.py --unit "${score#*:}" "${options[@]}" \
            --reference "$1/text_spk1" --utt2spk "$1/utt2spk" \
            --hypothesis "$2/text_spk1" --outdir "$2/score_${score%:*}"
    done
}

# enh_scoring_options: set `options` to those of all of a stage's scorings
enh_scoring_options() {
    options=()
    [[ " ${scoring_protocol} " != *" PESQ "* ]] || options=(--use_pesq true)
    [ -z "${ref_channel}" ] || options+=(--ref_channel "${ref_channel}")
}

# score_enhancement <references> <enhanced> <output folder> <key file>
score_enhancement() {
    local options
    enh_scoring_options
    start_jobs "$3" "$4"
    quote_words python3 -m espnet2.bin.enh_scoring --key_file "$3/logdir/keys.JOB.scp" \
        --output_dir "$3/logdir/output.JOB" --ref_scp "$1" --inf_scp "$2" \
        "${options[@]}"
    ${decode_cmd} JOB=1:"${jobs}" "$3/logdir/enh_scoring.JOB.log" "${quoted[@]}"
    python3 pyscripts/utils/merge_enh_scores.py --key_file "$4" "$3"
}

# score_noisy <set> <folder to work in> <key file>: into <set>/scoring, which all runs
# share; not again while the set, the utterances and the options are the same
score_noisy() {
    local options made_by dir=$1/scoring
    enh_scoring_options
    made_by="${options[*]} $(cksum < "$3")"
    if [ "${dir}/made_by" -nt "$1/feats_type" ] &&
        [ "$(cat "${dir}/made_by")" = "${made_by}" ]; then
        log "Stage 15: the scores of the noisy speech in ${dir} are kept (remove it to score anew)"
        return
    fi
    score_enhancement "$1/spk1.scp" "$1/wav.scp" "$2" "$3"
    echo "${made_by}" > "$2/made_by"
    share_result "$2" "${dir}"
}

# share_result <folder> <where all experiments look for it>: move it there, complete
share_result() {
    rm -rf "$2"
    mkdir -p "$(dirname "$2")"
    mv -T "$1" "$2" || [ -e "$2/made_by" ] # another run was there first
    rm -rf "$1"
}

# link_result <shared folder> <folder>: in place of that, a link
link_result() {
    rm -rf "$2"
    mkdir -p "$(dirname "$2")"
    ln -sr "$1" "$2"
}
