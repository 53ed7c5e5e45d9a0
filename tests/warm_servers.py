"""Servers of warm interpreters, one a kind for all of pytest's processes."""

import contextlib
import select
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

PROGRAM = Path(__file__).with_name("quick_start") / "warm_interpreter.py"


@contextlib.contextmanager
def warm_servers(kinds: Mapping[str, tuple[list[str], dict]]) -> Iterator[str]:
    """Have servers, each from its first request on; the sockets' folder.

    Args:
        kinds: by the name of its socket, a server's interpreter with the words for
            ``warm_interpreter.py``, and its environment.
    """
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as all_of_them:
        for name, (command, env) in kinds.items():
            server = _server(f"{folder}/{name}", command, env)
            all_of_them.enter_context(server)
        yield folder


@contextlib.contextmanager
def _server(path: str, command: list[str], env: dict) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen(32)
        ours, its = socket.socketpair()
        words = [command[0], str(PROGRAM), str(listener.fileno()), *command[1:]]
        server = threading.Thread(
            target=_serve, args=(listener, its, words, env), daemon=True
        )
        server.start()
        yield
        ours.close()
        server.join()
        its.close()


def _serve(
    listener: socket.socket, end: socket.socket, words: list[str], env: dict
) -> None:
    """Wait for a request, then run the server until the other end of ``end`` closes."""
    if end not in select.select([listener, end], [], [])[0]:
        subprocess.run(words, stdin=end, pass_fds=[listener.fileno()], env=env)
