#!/usr/bin/env bash
# Where the corpora lie; to be sourced by local/data.sh. Put the paths in before use.
# shellcheck disable=SC2034

RATS=    # LDC2015S02
FISHER=  # a folder with LDC2004T19 and LDC2005T19, or both, separated by a colon
CHIME4=  # CHiME-4, the folder that has data/
WSJ0=    # LDC93S6A or LDC93S6B
WSJ1=    # LDC94S13A or LDC94S13B, optional
