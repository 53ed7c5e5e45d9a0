#!/usr/bin/env bash
# Make the data folders of CHiME-4's 1- or 6-channel track. Run from the recipe's folder.
#
# 1: sets and clean references; 2: WSJ si284 as CLEAN, if there is WSJ1; 3: LM text.
# The corpora's places are set in db.sh; data/report{,_6ch}/summary.md says what was found.
# shellcheck source-path=SCRIPTDIR/.. disable=SC2034  # `give` reads the options by name
set -euo pipefail

. ./db.sh

# The names are options: parse_options.sh sets those defined here.
stage=1                            # first part
stop_stage=3                       # last part
chime4=${CHIME4:-}                 # folder of CHiME-4, the one that has data/
wsj0=${WSJ0:-}                     # WSJ0; empty: the copy in CHiME-4's data/WSJ0
wsj1=${WSJ1:-}                     # WSJ1; empty: no clean training speech (si284)
isolated_ext=                      # what the MATLAB simulation wrote (default: CHiME-4's own)
extra_annotations=                 # folder of et05_simu_1ch_track.list, if not CHiME-4's own
data_dir=data                      # the data folders go here
reference_dir=downloads/references # clean references that are made go here
track=1ch                          # 1ch, or 6ch: all channels in one file, for a beamformer
channels="1 2 3 4 5 6"             # of the training sets; with 6ch of all sets
noise_gain_error=0.2               # largest error of the background's gain, should be 1
min_correlation=0.6                # least one of the levels of reference and original
max_clipped=0.001                  # largest share of clipped samples in a reference
max_skipped=0.01                   # largest share of a training set to be left out
nj=$(env -u OMP_NUM_THREADS nproc) # processes at once

. scripts/utils/data_tools.sh

[ -n "${chime4}" ] || die "set CHIME4 in db.sh to the folder of CHiME-4 that has data/"
[ -d "${chime4}/data" ] || die "CHIME4: there is no folder ${chime4}/data"
[[ ${track} =~ ^(1ch|6ch)$ ]] || die "--track wants 1ch or 6ch, not '${track}'"
[[ ${channels} =~ ^[1-6](\ [1-6])*$ ]] || die "--channels wants numbers from 1 to 6"
wsj_roots=()
for root in "${wsj0}" "${wsj1}"; do
    [ -n "${root}" ] || continue
    [ -d "${root}" ] || die "WSJ0 or WSJ1 in db.sh: there is no folder ${root}"
    wsj_roots+=("${root}")
done
if [ -z "${wsj0}" ]; then
    wsj0=${chime4}/data/WSJ0
    [ -d "${wsj0}" ] || die "set WSJ0 in db.sh: there is no copy in ${wsj0}"
    wsj_roots+=("${wsj0}")
fi

ending=$([ "${track}" = 1ch ] || echo "_${track}") # the tracks may lie in one folder
if runs 1; then
    log "Sets and clean references"
    read -ra channel_list <<< "${channels}"
    give track chime4 wsj0 isolated_ext extra_annotations data_dir reference_dir max_skipped \
        noise_gain_error min_correlation max_clipped nj
    python3 local/prepare_chime4.py --channels "${channel_list[@]}" "${options[@]}"
    cat "${data_dir}/report${ending}/summary.md"
fi

train_set=tr05_multi_noisy
[ -z "${wsj1}" ] || train_set=tr05_multi_noisy_si284
# The clean speech has one channel, and a training set as many in all utterances.
[ "${track}" = 1ch ] || train_set=tr05_multi_isolated_6ch_track
if runs 2 && [ "${train_set}" = tr05_multi_noisy_si284 ]; then
    log "Clean training speech of WSJ0 and WSJ1"
    python3 local/prepare_si284.py --roots "${wsj_roots[@]}" --data_dir "${data_dir}" \
        --max_skipped "${max_skipped}"
    rm -rf "${data_dir:?}/${train_set}"
    utils/combine_data.sh --extra-files "utt2category spk1.scp" \
        "${data_dir}/${train_set}" "${data_dir}/tr05_multi_noisy" "${data_dir}/train_si284"
fi

if runs 3; then
    log "Text for the language model"
    python3 local/prepare_lm_text.py --transcripts "${data_dir}/${train_set}/text_spk1" \
        --roots "${wsj_roots[@]}" "${chime4}/data" -- "${data_dir}/lm_train${ending}/text"
fi
log "Done: the training set is ${data_dir}/${train_set}"
