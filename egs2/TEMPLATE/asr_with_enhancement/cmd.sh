#!/usr/bin/env bash
# How jobs are run; to be sourced. The three commands follow the contract of Kaldi's
# run.pl: `<cmd> [options] [JOB=1:N] <log file> <command> [argument ...]`.
# shellcheck disable=SC2034

: "${cmd_backend:=local}" # local, slurm, sge or pbs

case ${cmd_backend} in
    local)
        train_cmd=run.pl  # data and statistics
        cuda_cmd=run.pl   # training, and decoding with --gpu_inference true
        decode_cmd=run.pl # decoding, enhancement and their scores
        ;;
    slurm) # conf/slurm.conf names the partitions; the options are described there
        train_cmd="slurm.pl --mem 4G"
        cuda_cmd="slurm.pl --mem 32G --time 3-00:00:00"
        decode_cmd="slurm.pl --mem 8G"
        ;;
    sge) # Kaldi's script, with your conf/queue.conf, which must describe --name too
        train_cmd="queue.pl --mem 4G"
        cuda_cmd="queue.pl --mem 32G"
        decode_cmd="queue.pl --mem 8G"
        ;;
    pbs) # Kaldi's script, with your conf/pbs.conf, likewise
        train_cmd="pbs.pl --mem 4G"
        cuda_cmd="pbs.pl --mem 32G"
        decode_cmd="pbs.pl --mem 8G"
        ;;
    *)
        echo "cmd.sh: cmd_backend=${cmd_backend} is unknown: want local, slurm, sge or pbs" >&2
        exit 1
        ;;
esac

if [[ ${cmd_backend} =~ ^(sge|pbs)$ ]] && ! command -v "${train_cmd%% *}" > /dev/null; then
    echo "cmd.sh: cmd_backend=${cmd_backend} wants Kaldi's ${train_cmd%% *}: put its folder" \
        "egs/wsj/s5/utils/parallel on PATH" >&2
    exit 1
fi
