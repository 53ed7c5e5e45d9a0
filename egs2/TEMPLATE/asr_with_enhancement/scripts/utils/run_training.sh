#!/usr/bin/env bash
# How a stage trains; to be sourced by asr_with_enhancement.sh, whose options it uses.
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2154
. scripts/utils/stage_tools.sh

# has_begun <folder>: whether a training there has a checkpoint to go on from
has_begun() { [ -e "$1/checkpoint.pth" ] || [ -e "$1/mid_epoch.pth" ]; }

# name_training_data <table> ...: set `training_data` to the digest of the training and the
# validation set, with the audio of these tables, and to their names
name_training_data() {
    local sets=("${dump}/${train_set}" "${dump}/${valid_set}")
    training_data=("$(python3 pyscripts/utils/data_digest.py "${sets[@]}" --tables "$@")"
        "${sets[0]} and ${valid_set}")
}

# open_training <folder>: make it, or go on in it; die if the training there began with other
# data than those in `training_data` (their digest, their names), or if another run uses it
open_training() {
    claim "$1"
    mkdir -p "$1"
    if has_begun "$1"; then
        if [ ! -e "$1/data_digest" ]; then
            log "$1/data_digest is missing; the training is taken to be one of ${training_data[1]}"
        elif [ "$(cat "$1/data_digest")" != "${training_data[0]}" ]; then
            die "the training in $1 began with other data than are in ${training_data[1]} now:" \
                "give another --expdir, or remove $1 to train anew, or $1/data_digest to go on with these"
        fi
    fi
    echo "${training_data[0]}" > "$1/data_digest"
}

# run_training <folder> <command ...>: train on `training_data` with a live display, pass
# failure on
run_training() {
    local dir=$1 pid watcher code=0 threads=1
    shift
    # On a CPU the one job may have all cores; over 8 only get in each other's way. Threads
    # that spin while they wait would take the cores of other jobs, and then wait for threads
    # that have none; ours sleep (tests/benchmarks/README.md).
    [ "${ngpu}" -gt 0 ] || threads=$(env -u OMP_NUM_THREADS nproc)
    [ "${threads}" -le 8 ] || threads=8
    open_training "${dir}"
    quote_words "$@" --cpu_ranks "${cpu_ranks}"
    if has_begun "${dir}"; then
        log "Resuming the training in ${dir}; remove the folder to start afresh"
    fi
    set -m # gives the job a process group, by which all of it can be ended
    OMP_NUM_THREADS=${threads} OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} \
        python3 -m espnet2.bin.launch --cmd "${cuda_cmd} --name $(printf %q "${dir##*/}")" \
        --log "${dir}/train.log" --ngpu "${ngpu}" --num_nodes "${num_nodes}" \
        --init_file_prefix "${dir}/.dist_init_" --multiprocessing_distributed true -- \
        "${quoted[@]}" < /dev/null > "${dir}/launch.log" 2>&1 &
    pid=$!
    set +m
    python3 -m espnet2.bin.training_progress "${dir}" --pid "${pid}" &
    watcher=$! # not in the foreground, where it would keep the trap waiting
    # run.pl, in the group too, ends after the job, which may write a checkpoint first.
    # shellcheck disable=SC2064  # the numbers now, not the variables later
    trap "log 'interrupted; a training that has begun writes a checkpoint first'
        kill -TERM ${watcher} -- -${pid} 2> /dev/null; wait
        while kill -0 -- -${pid} 2> /dev/null; do sleep 0.1; done; exit 130" INT TERM HUP
    wait "${watcher}" || log "The progress display has stopped; see ${dir}/train.log"
    wait "${pid}" || code=$?
    trap - INT TERM HUP
    [ "${code}" -eq 0 ] || explain_failed_training "${dir}"
}

# explain_failed_training <folder>: say why, and exit; 75 if only a signal has stopped it
explain_failed_training() {
    local hint='' log_line key
    if ! grep -qs 'log file: ' "$1/launch.log"; then # train.log is an older one, if any
        tail -n 30 "$1/launch.log" >&2 || true
        die "the training could not be started; see $1/launch.log"
    fi
    # Before its first step a training that is told to stop just dies by the signal.
    if grep -qsE '^# Ended \(code (75|143|1; signal 15)\)' "$1/train.log"; then
        log "The training in $1 was stopped by a signal; the same command goes on from there" >&2
        exit 75
    fi
    tail -n 30 "$1/train.log" >&2 || tail -n 30 "$1/launch.log" >&2
    # What upstream says of a file that it cannot read stands far above the last lines.
    log_line=$(grep -s 'Error happened with path=.*, id=' "$1/train.log" | tail -n 1 || true)
    if [ -n "${log_line}" ]; then
        key=${log_line##*, id=}
        log_line=${log_line#*path=}
        hint="; utterance ${key} of ${log_line%%, type=*} cannot be read:"
        hint+=" $(key=${key} awk '$1 == ENVIRON["key"] { sub(/^[^ ]+ /, ""); print }' "${log_line%%, type=*}" || true)"
    # The latter: a loader died while it handed a batch over.
    elif grep -qsE '^# Ended \(code (137|1; signal 9)\)|is killed by signal: Killed|in rebuild_storage_fd|terminated with signal SIGKILL' "$1/train.log"; then
        hint="; a process was killed, as Linux does where memory runs out"
    fi
    die "training failed${hint}; the whole log is $1/train.log (and launch.log)"
}
