#!/usr/bin/env bash
# Join data folders into one.
# Usage: combine_data.sh [--extra-files "name ..."] <new dir> <data dir> ...
set -euo pipefail
exec python3 -m espnet2.data_dir.edit combine "$@"
