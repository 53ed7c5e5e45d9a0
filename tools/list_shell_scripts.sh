#!/usr/bin/env bash
# Prints, each ended by a NUL, the repository's shell scripts: *.sh files and files
# that begin with a sh or bash line. Links are left out: their targets are listed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."

list_files() {
    if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -z
    else
        find . -path "./tools/*venv" -prune -o -type f -print0
    fi
}

list_files | while IFS= read -r -d '' file; do
    [ -f "${file}" ] && [ ! -L "${file}" ] || continue
    first_line=$(head -n 1 "${file}" | tr -d '\0')
    if [[ ${file} == *.sh || ${first_line} =~ ^#!.*[/\ ](ba)?sh($|\ ) ]]; then
        printf '%s\0' "${file}"
    fi
done
