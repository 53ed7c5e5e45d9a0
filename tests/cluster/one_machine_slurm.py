"""A Slurm of two nodes on this machine: munged, slurmctld and two slurmd on loopback.

Everything they write lies in one folder, whose path must be short, since munged's
socket is there. Jobs run as the present user; a job of another user cannot.
"""

import getpass
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "srun")
NODES = ("node1", "node2")
START_TIMEOUT_S = 20.0

# The partitions are those of the recipes' conf/slurm.conf. MinJobAge=4 lets
# `sbatch --wait` look every 2 seconds.
SLURM_CONF = """\
ClusterName=one_machine
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
MinJobAge=4
KillWait=2
GresTypes=gpu
NodeName=DEFAULT CPUs=4 RealMemory=64000
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} Gres=gpu:1
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]}
PartitionName=cpu Nodes=node1,node2 Default=YES
PartitionName=gpu Nodes=node1
"""


class CannotStart(Exception):
    """Why there is no cluster here."""


class Cluster:
    """The daemons; ``env`` is what lets Slurm's commands find them."""

    def __init__(self, folder: Path, env: dict[str, str]):
        # Debian keeps the daemons where only root looks.
        path = os.pathsep.join([env["PATH"], "/usr/sbin", "/usr/local/sbin"])
        self.folder = folder
        self.env = {**env, "PATH": path, "SLURM_CONF": str(folder / "slurm.conf")}
        self._daemons: list[subprocess.Popen] = []

    def start(self) -> None:
        """Start the daemons and wait until both nodes take jobs.

        Raises:
            CannotStart: a program is missing or a daemon does not come up.
        """
        for name in PROGRAMS:
            if shutil.which(name, path=self.env["PATH"]) is None:
                raise CannotStart(
                    f"{name} is not installed (Debian packages slurm-wlm and munge)"
                )
        self._configure()
        munge = [f"--socket={self.folder}/munge.socket", "--num-threads=1"]
        for name in ("key", "pid", "log", "seed"):
            option = "key-file" if name == "key" else f"{name}-file"
            munge.append(f"--{option}={self.folder}/munge.{name}")
        self._run("munged", "--foreground", *munge)
        self._wait_until(lambda: (self.folder / "munge.socket").exists())
        self._run("slurmctld", "-D")
        for node in NODES:
            self._run("slurmd", "-D", "-N", node)
        ready = ["idle"] * len(NODES)
        states = ("sinfo", "--noheader", "--Node", "--partition=cpu", "--format=%t")
        self._wait_until(lambda: self.ask(*states).split() == ready)

    def _configure(self) -> None:
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.touch(mode=0o600)
        key.write_bytes(os.urandom(64))
        host = socket.gethostname().partition(".")[0]
        (self.folder / "slurm.conf").write_text(
            SLURM_CONF.format(
                host=host,
                ports=free_ports(3),
                user=getpass.getuser(),
                folder=self.folder,
            )
        )
        (self.folder / "gres.conf").write_text(
            "NodeName=node1 Name=gpu File=/dev/null\n"
        )

    def _run(self, *words: str) -> None:
        with (self.folder / "daemons.log").open("a") as log:
            self._daemons.append(
                subprocess.Popen(words, env=self.env, stdout=log, stderr=log)
            )

    def _wait_until(self, is_ready) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            dead = [d.args[0] for d in self._daemons if d.poll() is not None]
            if dead or time.monotonic() > deadline:
                words = (self.folder / "daemons.log").read_text()[-400:]
                who = "not root, " if os.geteuid() != 0 else ""
                raise CannotStart(f"{who}{dead or 'nodes'} did not come up: {words}")
            time.sleep(0.2)

    def ask(self, *words: str) -> str:
        """What a command of Slurm prints."""
        done = subprocess.run(words, env=self.env, capture_output=True, text=True)
        return done.stdout

    def jobs(self) -> list[str]:
        """The ids of the jobs that wait, run or are being ended."""
        return self.ask("squeue", "--noheader", "--format=%A").split()

    def stop(self) -> None:
        """End all jobs, then the daemons, the last started first."""
        if len(self._daemons) > 1:
            self.ask("scancel", "--me")
            deadline = time.monotonic() + 10
            while self.jobs() and time.monotonic() < deadline:
                time.sleep(0.2)
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()


def free_ports(count: int) -> list[int]:
    """Numbers of ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
