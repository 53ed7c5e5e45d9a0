#!/usr/bin/env bash
# Locks on folders, so that none is made anew while another run works on it; to be
# sourced by stage_tools.sh, whose `die` it calls.
#
# Beside a folder that a stage makes, or reads all along, lies an empty file
# .<name>.lock. The script, whatever it starts and, by FOLDER_LOCKS, the jobs of run.pl
# (which may outlive both) hold a shared lock on it as long as they live. To make the
# folder a run must have the lock alone for a moment. The kernel drops the lock of a
# process that has ended, however it did; a killed one may take some seconds for that.
# Without flock(1), or on a file system that knows no locks, runs are not kept apart.

lock_patience=5 # s to wait for processes that are about to end

lock_fds=()
export FOLDER_LOCKS= # the lock files in use, one a line, for run.pl

# claim <folder> ...: before these are made; die if another run uses one
claim() {
    local folder
    for folder in "$@"; do
        mkdir -p "$(dirname "${folder}")"
        open_lock "${folder}" || continue
        take_lock -x "${folder}"
        take_lock -s "${folder}"
    done
}

# hold <folder> ...: let no other run make these anew, for this stage reads them
hold() {
    local folder
    for folder in "$@"; do
        open_lock "${folder}" || continue
        take_lock -s "${folder}"
    done
}

# release: drop the locks of this script; jobs that live on keep theirs
release() {
    local fd
    for fd in "${lock_fds[@]}"; do exec {fd}>&-; done
    lock_fds=()
    FOLDER_LOCKS=
}

lock_file() { echo "$(dirname "$1")/.${1##*/}.lock"; }

# open_lock <folder>: whether there is a lock to take that this stage has not yet
open_lock() {
    local file fd
    file=$(lock_file "$1")
    command -v flock > /dev/null || return 1
    [[ $'\n'${FOLDER_LOCKS} != *$'\n'"${file}"$'\n'* ]] || return 1
    # Where it cannot be written, nobody makes the folder anew.
    { exec {fd}>> "${file}"; } 2> /dev/null || return 1
    lock_fds+=("${fd}")
    FOLDER_LOCKS+=${file}$'\n'
}

# take_lock <-x: alone, or -s: with others> <folder>: on the file opened last
take_lock() {
    local code=0 users
    flock -w "${lock_patience}" "$1" "${lock_fds[-1]}" || code=$?
    [ "${code}" -eq 1 ] || return 0 # others say that there are no locks here
    release
    users=$(find -L /proc/[0-9]*/fd -samefile "$(lock_file "$2")" 2> /dev/null |
        cut -d/ -f3 | sort -nu | paste -sd ' ' || true)
    die "$2 is in use by another run, or by jobs that have outlived theirs" \
        "(processes ${users:-on another machine}); wait for their end, or end them"
}
