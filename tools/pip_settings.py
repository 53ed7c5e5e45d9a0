"""Translates pip's settings on this machine into environment variables of uv.

    pip_settings.py >FILE

pip reads them from pip.conf and PIP_*, uv from neither. Written are NAME=value, each
ended by a NUL. Settings with which pip only talks are left out; a line on standard
error and exit status 1 say which other one uv does not know.
"""

import ast
import os
import subprocess
import sys

WHERE = ("global", "install", ":env:")  # the last one that sets an option wins
SAME = {  # names of uv's, several values apart by spaces
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "client-cert": "SSL_CLIENT_CERT",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "no-cache-dir": "UV_NO_CACHE",
}
# What pip does beside installing, and what make_venv.sh decides itself.
NOT_NEEDED = set(
    "break-system-packages constraint disable-pip-version-check no-color no-input "
    "no-python-version-warning no-warn-script-location progress-bar quiet "
    "require-virtualenv retries root-user-action use-pep517 user verbose".split()
)


def parse(listing: str) -> dict[str, str]:
    """Return what ``pip config list`` printed as the options that pip install sees.

    The lines read ``global.index-url='https://...'``.
    """
    found = {}
    for where in WHERE:
        for line in listing.splitlines():
            name, _, value = line.partition("=")
            if name.startswith(f"{where}."):
                option = name.removeprefix(f"{where}.").replace("_", "-")
                found[option] = str(ast.literal_eval(value))
    return found


def for_uv(settings: dict[str, str]) -> dict[str, str]:
    """Return uv's variables for the settings of pip.

    Raises:
        ValueError: if uv does not know one of them.
    """
    variables = {}
    for option, value in settings.items():
        if option in SAME:
            variables[SAME[option]] = " ".join(value.split())
        elif option == "find-links":
            variables["UV_FIND_LINKS"] = ",".join(value.split())
        elif option == "cache-dir":
            variables["UV_CACHE_DIR"] = os.path.join(value, "uv")
        elif option not in NOT_NEEDED:
            raise ValueError(f"uv does not know pip's setting {option}")
    if "UV_INDEX" in variables:  # as pip: the newest of all indexes, not of the first
        variables["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return variables


def here() -> dict[str, str]:
    """Return uv's variables on this machine, but none that is set already.

    Raises:
        ValueError: if uv does not know one of pip's settings.
    """
    pip = [sys.executable, "-m", "pip", "config", "list"]
    listing = subprocess.run(pip, check=True, stdout=subprocess.PIPE, text=True).stdout
    found = for_uv(parse(listing))
    return {name: value for name, value in found.items() if name not in os.environ}


def main() -> None:
    """Write the variables."""
    try:
        variables = here()
    except ValueError as error:
        sys.exit(f"pip_settings.py: {error}")
    for name, value in variables.items():
        sys.stdout.write(f"{name}={value}\0")


if __name__ == "__main__":
    main()
