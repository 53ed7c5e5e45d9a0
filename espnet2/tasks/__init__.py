"""Overlay of the installed package ``espnet2.tasks``."""

from pkgutil import extend_path

__path__ = extend_path(__path__, __name__)
