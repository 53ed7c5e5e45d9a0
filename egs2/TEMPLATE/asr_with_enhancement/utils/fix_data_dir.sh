#!/usr/bin/env bash
# Sort the tables of a data folder and keep the utterances that all of them have.
# Usage: fix_data_dir.sh [--utt_extra_files "name ..."] <data dir>
set -euo pipefail
exec python3 -m espnet2.data_dir.edit fix "$@"
