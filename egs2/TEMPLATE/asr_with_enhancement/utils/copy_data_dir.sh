#!/usr/bin/env bash
# Copy the tables of a data folder, with prefixes or suffixes on the ids.
# Usage: copy_data_dir.sh [--utt-prefix P] [--spk-prefix P] [--utt-suffix S] [--spk-suffix S] <from> <to>
set -euo pipefail
exec python3 -m espnet2.data_dir.edit copy "$@"
