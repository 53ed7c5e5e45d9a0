#!/usr/bin/env bash
# shellcheck disable=SC2034  # who sources this reads the arrays
# Words from an option's text, and for run.pl and its like; to be sourced.
#
# The latter hand their words to bash: one without white space as it is, one with white space
# in "...", or in '...' if it holds a ". A path may hold what bash would act on.

# split_words <text>: set the array `words`; quotes in the text are heeded
split_words() {
    words=()
    [ -z "${1// /}" ] || mapfile -d '' -t words < <(xargs printf '%s\0' <<< "$1")
}

# quote_words <word> ...: set `quoted`, from which they make just these words
quote_words() {
    local word
    quoted=()
    for word in "$@"; do
        case ${word} in
            *[[:space:]]*\"* | *\"*[[:space:]]*)
                word=${word//\'/"'\\''"} ;;
            *[[:space:]]*)
                word=${word//\\/"\\\\"}
                word=${word//\$/'\$'}
                word=${word//\`/'\`'} ;;
            *[!A-Za-z0-9_./:,=+@%-]*)
                word=$(printf '%q' "${word}") ;;
        esac
        quoted+=("${word}")
    done
}
