#!/usr/bin/env bash
# Check the tables of a data folder; opens no audio.
# Usage: validate_data_dir.sh [--no-text] [--no-wav] [--no-spk-sort] <data dir>
set -euo pipefail
exec python3 -m espnet2.data_dir.validate "$@"
