#!/usr/bin/env bash
# Bring the audio of one scp of a data folder to one sampling rate, in parallel jobs.
#
# Usage: scripts/audio/format_wav_scp.sh [options] <in.scp> <output dir>
# Run from a recipe folder. The new scp (same name) and utt2num_samples appear in the
# output folder only when all jobs have succeeded.
# shellcheck source-path=SCRIPTDIR/../..
set -euo pipefail

# Options
cmd=run.pl         # how to run the jobs
nj=4               # number of parallel jobs
fs=16k             # sampling rate to write
audio_format=flac  # wav or flac
segments=          # Kaldi's segments table, if the scp names recordings
ref_channel=       # channel to take, from 0, or all, if files have several
# End of options

help_message=$(sed -n '2,/^# End of options/{s/^# \{0,1\}//;p}' "$0")
. utils/parse_options.sh
. scripts/utils/quote_words.sh
if [ $# -ne 2 ]; then
    echo "${help_message}" >&2
    exit 1
fi
scp=$1
outdir=$2
name=$(basename "${scp}" .scp)
logdir=${outdir}/logs/format_${name}
rm -rf "${outdir:?}/${name}.scp" "${outdir}/utt2num_samples" "${logdir}" \
    "${outdir}/data/${name}".*
mkdir -p "${logdir}"

keys=${segments:-${scp}}
count=$(wc -l < "${keys}")
nj=$((nj < count ? nj : count))
options=(--fs "${fs}" --audio_format "${audio_format}")
[ -z "${ref_channel}" ] || options+=(--ref_channel "${ref_channel}")
in_scp="${logdir}/part.JOB/${name}.scp"
part=${in_scp}
if [ -n "${segments}" ]; then
    part="${logdir}/part.JOB/segments"
    options+=(--segments "${part}")
    in_scp=${scp}
fi
parts=()
for n in $(seq "${nj}"); do
    mkdir -p "${logdir}/part.${n}"
    parts+=("${part/part.JOB/part.${n}}")
done
utils/split_scp.pl "${keys}" "${parts[@]}"
quote_words python3 pyscripts/audio/format_wav_scp.py "${options[@]}" \
    "${in_scp}" "${outdir}/data/${name}.JOB"
${cmd} JOB=1:"${nj}" "${logdir}/format.JOB.log" "${quoted[@]}"

for file in utt2num_samples "${name}.scp"; do
    cat "${outdir}/data/${name}".*/"${file}" | LC_ALL=C sort > "${outdir}/.${file}.tmp"
    rm "${outdir}/data/${name}".*/"${file}"
    mv "${outdir}/.${file}.tmp" "${outdir}/${file}"
done

# What the jobs resampled, added up
cat "${logdir}"/format.*.log |
    sed -n 's/.*: resampled \([0-9]*\) utterances from \([0-9]*\) to .*/\2 \1/p' |
    awk -v name="${scp}" -v fs="${fs}" '{ count[$1] += $2 }
        END { for (rate in count) print name ": resampled " count[rate] " utterances from " rate " Hz to " fs }'
