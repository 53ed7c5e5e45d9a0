#!/usr/bin/env bash
# Turn the command line into shell variables; to be sourced after their defaults.
#
#   name_of_option=default
#   help_message="..."             # what --help prints
#   . utils/parse_options.sh
#
# `--name-of-option value` and `--name_of_option value` set the variable, which must
# exist; the value is always a word of its own. A variable that is true or false takes
# only these. `--config file` sources a file of such variables. What follows the options
# stays in "$@".

option_error() {
    echo "$0: error: $*" >&2
    exit 1
}

while [ $# -gt 0 ]; do
    case "$1" in
        -h | --help)
            printf '%s\n' "${help_message:-There is no help for $0}"
            exit 0 ;;
        --*=*) option_error "write '${1%%=*} ${1#*=}' in place of '$1'" ;;
        --?*) ;;
        *) break ;;
    esac
    option_name=${1#--}
    option_name=${option_name//-/_}
    if [[ ! ${option_name} =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] ||
        { [ "${option_name}" != config ] && [ -z "${!option_name+set}" ]; }; then
        option_error "there is no option $1; see $0 --help"
    fi
    [ $# -ge 2 ] || option_error "the option $1 wants a value"
    if [ "${option_name}" = config ]; then
        [ -r "$2" ] || option_error "cannot read $2 of --config"
        # shellcheck disable=SC1090  # the user names the file
        . "$2"
    elif [[ ${!option_name} =~ ^(true|false)$ && ! $2 =~ ^(true|false)$ ]]; then
        option_error "$1 wants true or false, not '$2'"
    else
        printf -v "${option_name}" '%s' "$2"
    fi
    shift 2
done
unset option_name
unset -f option_error
