#!/usr/bin/env bash
# Options of ESPnet's enh_asr.sh that have one value here, so that its command lines run;
# to be sourced by asr_with_enhancement.sh before it reads its own options.
# shellcheck disable=SC2034,SC2154

python=python3          # the interpreter
feats_type=raw
spk_num=1               # speakers
noise_type_num=1
dereverb_ref_num=1
use_noise_ref=false
use_dereverb_ref=false
num_splits_asr=1
num_splits_lm=1
use_ngram=false
use_word_lm=false
use_k2=false
g2p=none

# check_upstream_options: end at a value that would change the result, say which has no effect
check_upstream_options() {
    local name
    one_value feats_type raw "features are computed in training"
    one_value spk_num 1 "the speech of one speaker is enhanced"
    for name in noise_type_num dereverb_ref_num; do
        one_value "${name}" 1 "the SE loss has the clean speech as its one reference"
    done
    for name in use_noise_ref use_dereverb_ref; do
        one_value "${name}" false "the SE loss has the clean speech as its one reference"
    done
    one_value use_ngram false "--use_lm true trains a neural language model"
    one_value use_word_lm false "the language model has the recogniser's tokens"
    one_value use_k2 false "ESPnet's own beam search decodes"
    one_value g2p none "tokens are bpe or char"
    for name in num_splits_asr num_splits_lm; do
        [ "${!name}" = 1 ] ||
            log "--${name} ${!name} has no effect: the tables are read whole"
    done
    [ "$(realpath "$(command -v "${python}" || true)" 2> /dev/null)" = \
        "$(realpath "$(command -v python3)")" ] ||
        die "--python ${python}: python3 of the environment runs; ESPNET_PYTHON_ENV chooses that (tools/activate_python.sh)"
}

# one_value <option> <value> <why there is no other>
one_value() {
    [ "${!1}" = "$2" ] || die "--$1 wants $2, not '${!1}': $3"
}
