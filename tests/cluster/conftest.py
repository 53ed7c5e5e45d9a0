"""The cluster of these tests; where it cannot start they are skipped, saying why."""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from one_machine_slurm import CannotStart, Cluster

TEMPLATE = Path("egs2/TEMPLATE/asr_with_enhancement")
REASON = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def cluster(own_process_env, request) -> Iterator[Cluster]:
    # Not tmp_path: the path of munged's socket must be short.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o711)  # munged insists that all users reach its socket
    cluster = Cluster(folder, own_process_env)
    try:
        cluster.start()
        yield cluster
    except CannotStart as reason:
        request.config.stash[REASON] = str(reason)
        pytest.skip(str(reason))
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def folder(cluster, repo_root, tmp_path) -> Iterator[Path]:
    """A recipe folder whose name a careless script would run as a command.

    No job outlives the test.
    """
    folder = tmp_path / "a $(touch pwned); 'recipe' %a"
    (folder / "conf").mkdir(parents=True)
    conf = repo_root / TEMPLATE / "conf/slurm.conf"
    (folder / "conf/slurm.conf").symlink_to(conf)
    yield folder
    cluster.cancel_all()


@pytest.fixture
def start(cluster, repo_root, folder) -> Callable[..., subprocess.Popen]:
    """Start slurm.pl, or its sibling named, with the words given."""

    def call(*words: str, program: str = "slurm.pl") -> subprocess.Popen:
        return subprocess.Popen(
            [repo_root / TEMPLATE / "utils" / program, *words],
            cwd=folder,
            env=cluster.env,
            stderr=subprocess.PIPE,
            text=True,
        )

    return call


def pytest_terminal_summary(terminalreporter, config) -> None:
    if REASON in config.stash:
        terminalreporter.write_line(f"tests/cluster skipped: {config.stash[REASON]}")
