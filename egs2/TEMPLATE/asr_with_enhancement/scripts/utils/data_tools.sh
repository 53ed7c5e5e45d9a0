#!/usr/bin/env bash
# What every corpus's local/data.sh does; to be sourced by it from the recipe's folder,
# after its options and their defaults. The command line must have only these.
# shellcheck source-path=SCRIPTDIR/../.. disable=SC2034,SC2154

log() { echo "$(date '+%Y-%m-%dT%H:%M:%S') (data.sh) $*"; }
die() { log "error: $*" >&2; exit 1; }

# runs <number>: whether a sub-stage is to run
runs() { [ "${stage}" -le "$1" ] && [ "${stop_stage}" -ge "$1" ]; }

# give <option> ...: set `options` to --<option> <value> of those that are not empty
give() {
    local name
    options=()
    for name in "$@"; do
        [ -z "${!name}" ] || options+=("--${name}" "${!name}")
    done
}

help_message="Options and their defaults:
$(grep -E '^[a-z_0-9]+=.* # ' "$0")"
. utils/parse_options.sh
[ $# -eq 0 ] || die "no arguments are taken besides options, got: $*"
. ./path.sh
