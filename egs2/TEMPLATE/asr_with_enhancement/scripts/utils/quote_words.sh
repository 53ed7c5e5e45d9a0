#!/usr/bin/env bash
# Quoting of words for run.pl and its like; to be sourced.
#
# They hand their words to bash: one without white space as it is, one with white space
# in "...", or in '...' if it holds a ". A path may hold what bash would act on.

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
