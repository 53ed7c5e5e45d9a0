#!/usr/bin/env bash
# The recipe's environment, and this folder's Python; to be sourced in this folder.
. ../asr_with_enhancement/path.sh
export PYTHONPATH="${PWD}:${PYTHONPATH}"
