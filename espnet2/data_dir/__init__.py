"""Kaldi data folders: read, checked, repaired, copied, joined."""
