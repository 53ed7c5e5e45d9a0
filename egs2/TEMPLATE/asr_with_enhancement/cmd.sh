#!/usr/bin/env bash
# How jobs are run; to be sourced. The three commands follow the contract of Kaldi's
# run.pl: `<cmd> [options] [JOB=1:N] <log file> <command> [argument ...]`.
# shellcheck disable=SC2034

cmd_backend=local

case ${cmd_backend} in
    local)
        train_cmd=run.pl  # data and statistics
        cuda_cmd=run.pl   # training, and decoding with --gpu_inference true
        decode_cmd=run.pl # decoding, enhancement and their scores
        ;;
    *)
        echo "cmd.sh: cmd_backend=${cmd_backend} is unknown. For a cluster add a case" \
            "that names your slurm.pl or queue.pl with its options." >&2
        exit 1
        ;;
esac
