#!/usr/bin/env bash
# Makes tools/study_venv, or brings it up to date, from study_requirements.txt: what runs
# the study of gradient methods. It wants uv on PATH, which tools/venv has.
# study_venv/.complete is written last and holds all that the venv was made from.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")"
unset PYTHONPATH PYTHONHOME
if cmp --silent study_requirements.txt study_venv/.complete; then
    exit 0
fi
if ! uv venv --quiet --clear --no-python-downloads --python ">=3.11,<3.13" study_venv \
    2>/dev/null; then
    echo "make_study_venv.sh: no Python 3.11 or 3.12 on PATH, one of which Snakemake wants" >&2
    exit 1
fi
uv pip sync --quiet --python study_venv/bin/python study_requirements.txt
cp study_requirements.txt study_venv/.complete
echo "tools/study_venv is ready"
