"""Scripts of the recipes run in this process, which has loaded what they import."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
from pathlib import Path


def run_script(
    path: Path, *words: object, cwd: Path | None = None
) -> subprocess.CompletedProcess:
    """What ``python path words`` would come to, in the folder ``cwd``."""
    command = [str(path), *map(str, words)]
    before = sys.argv, sys.path[:], os.getcwd()
    out, err, code = io.StringIO(), io.StringIO(), 0
    sys.argv = command
    sys.path.insert(0, str(path.parent))
    try:
        os.chdir(cwd or before[2])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            runpy.run_path(command[0], run_name="__main__")
    except SystemExit as end:
        code = end.code or 0
        if not isinstance(code, int):  # as Python does with a message
            print(code, file=err)
            code = 1
    finally:
        sys.argv, sys.path[:] = before[:2]
        os.chdir(before[2])
    return subprocess.CompletedProcess(command, code, out.getvalue(), err.getvalue())
