#!/usr/bin/env bash
# Join data folders into one.
# Usage: combine_data.sh [--extra-files "name ..."] <new dir> <data dir> ...
set -euo pipefail
exec python3 "$(dirname "${BASH_SOURCE[0]}")/data_dir_edit.py" combine "$@"
