"""The cluster of these tests; where it cannot start they are skipped, saying why."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from one_machine_slurm import CannotStart, Cluster

REASON = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def cluster(repo_env, request) -> Iterator[Cluster]:
    # Not tmp_path: the path of munged's socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o711)  # munged insists that all users reach its socket
    cluster = Cluster(folder, repo_env)
    try:
        cluster.start()
        yield cluster
    except CannotStart as reason:
        request.config.stash[REASON] = str(reason)
        pytest.skip(str(reason))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter, config) -> None:
    if REASON in config.stash:
        terminalreporter.write_line(f"tests/cluster skipped: {config.stash[REASON]}")
