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
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "srun")
NODES = ("node1", "node2")
START_TIMEOUT_S = 20.0

# The partitions are those of the recipes' conf/slurm.conf, and one whose jobs preempt
# theirs. MinJobAge=4 lets `sbatch --wait` look every 2 seconds; a requeued job waits
# for cred_expire=5 seconds (the default: 2 minutes).
SLURM_CONF = """\
ClusterName=one_machine
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
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
KillWait=15
SchedulerParameters=bf_interval=1,sched_interval=2
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
GresTypes=gpu
NodeName=DEFAULT CPUs=4 RealMemory=64000
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[1]} Gres=gpu:1
NodeName=node2 NodeHostname={host} NodeAddr=127.0.0.1 Port={ports[2]}
PartitionName=cpu Nodes=node1,node2 Default=YES
PartitionName=gpu Nodes=node1
PartitionName=urgent Nodes=node1,node2 PriorityTier=2
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
        self._daemons: dict[str, subprocess.Popen] = {}

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
        self._run("munged", "munged", "--foreground", *munge)
        self._wait_until(lambda: (self.folder / "munge.socket").exists())
        self._run("slurmctld", "slurmctld", "-D")
        for node in NODES:
            self.start_node(node)
        self.wait_for_nodes()

    def start_node(self, node: str) -> None:
        """Start the daemon of a node."""
        self._run(node, "slurmd", "-D", "-N", node)

    def wait_for_nodes(self) -> None:
        """Wait until all nodes are idle.

        Raises:
            CannotStart: a daemon has ended, or it takes too long.
        """
        states = ("sinfo", "--noheader", "--Node", "--partition=cpu", "--format=%t")
        ready = ["idle"] * len(NODES)
        self._wait_until(lambda: self.ask(*states).split() == ready)

    def kill_daemon(self, node: str) -> None:
        """Kill a node's daemon; its jobs live on."""
        daemon = self._daemons.pop(node)
        daemon.kill()
        daemon.wait()

    def fail_node(self, node: str) -> None:
        """Kill a node's daemon and all processes of its jobs, as a power cut would."""
        self.kill_daemon(node)
        for session in self._sessions(node):
            subprocess.run(["pkill", "-KILL", "--session", session])

    def _sessions(self, node: str) -> set[str]:
        """The sessions of a node's jobs: those of the slurmstepd that write its log."""
        sessions = set()
        for step in self.ask("pgrep", "slurmstepd").split():
            listing = self.ask("ls", "-l", f"/proc/{step}/fd")
            if f"{self.folder}/slurmd.{node}.log" in listing:
                sessions.add(self.ask("ps", "-o", "sid=", "-p", step).strip())
        return sessions - {""}

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

    def _run(self, name: str, *words: str) -> None:
        with (self.folder / "daemons.log").open("a") as log:
            self._daemons[name] = subprocess.Popen(
                words, env=self.env, stdout=log, stderr=log
            )

    def _wait_until(self, is_ready) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not is_ready():
            dead = [name for name, d in self._daemons.items() if d.poll() is not None]
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

    def cancel_all(self) -> None:
        """Cancel all jobs and wait until they are gone, a while."""
        deadline = time.monotonic() + 20
        while self.jobs() and time.monotonic() < deadline:
            self.ask("scancel", "--me")
            time.sleep(0.2)

    def stop(self) -> None:
        """End all jobs, then the daemons, the last started first."""
        if len(self._daemons) > 1:
            self.cancel_all()
        for daemon in reversed(self._daemons.values()):
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


def wait_for(condition: Callable[[], object], patience_s: float = 30) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def output(log: Path) -> list[str]:
    """The lines of a log between header and footer."""
    lines = log.read_text().splitlines()
    return [line for line in lines if not line.startswith("#")]
