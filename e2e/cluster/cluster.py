"""One cluster from start to finish: what it is made of, where it is written down, and how nothing is left of it.

Everything that could outlive us is named in `cluster.json` *before* it is made. So whoever comes next can take away
what a crash left: a cluster is stale when the process that owns it is gone, or when it has no owner and its API
server is gone.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

import httpx

from e2e.cluster import build, cache, controlplane, kwok, network, node, nodespace, packages
from e2e.cluster.images import Image
from e2e.cluster.processes import Processes, birth
from e2e.cluster.said import EXEC_TRIES, all_said, saying_so
from e2e.cluster.served import got, is_ready, is_served, wait_for

_RECORD = "cluster.json"


class ClusterError(Exception):
    """It cannot run here, or it did not come up; says why."""


@dataclass(slots=True)
class _Record:
    nodes: str
    owner: list[int] | None
    server: str = ""
    network: int | None = None
    cgroup: str = ""
    up_in_s: float = 0.0


class Cluster:
    """`nodes`: none | kwok:N | kubelet. As a context manager it is owned by this process and swept away after its
    death.
    """

    def __init__(self, nodes: str = "none", *, directory: Path | None = None) -> None:
        _parse(nodes)
        self.nodes = nodes
        self.run = (directory or cache.runs() / f"{nodes.partition(':')[0]}-{secrets.token_hex(4)}").absolute()

    @property
    def kubeconfig(self) -> Path:
        return self.run / "admin.kubeconfig"

    @property
    def pki(self) -> Path:
        """Holds ca.crt, admin.crt and admin.key."""
        return self.run / "pki"

    @property
    def server(self) -> str:
        return _read(self.run).server

    @property
    def network(self) -> network.Network:
        """Of a kubelet node."""
        number = _read(self.run).network
        if number is None:
            raise ClusterError("only a kubelet node has a network of its own")
        return network.Network(number)

    @property
    def up_in_s(self) -> float:
        """How long `up` took, without building."""
        return _read(self.run).up_in_s

    def __enter__(self) -> Cluster:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.down()

    def up(self, *, owner: int | None = None, keep: bool = False) -> None:
        """Build what is missing, start everything, wait until nodes are Ready. `keep` leaves it running without an
        owner.
        """
        reason = require(self.nodes)
        if reason:
            raise ClusterError(reason)
        kind, count = _parse(self.nodes)
        if kind == "kubelet":
            packages.install()
        programs = build.binaries(kwok=kind == "kwok")
        started = time.monotonic()
        record = self._register(owner or os.getpid())
        try:
            self._start(record, programs, kind, count)
        except (RuntimeError, OSError, httpx.HTTPError, subprocess.SubprocessError) as trouble:
            logs = self._keep_logs()
            self.down()
            raise ClusterError(f"the cluster did not come up: {trouble} (logs kept in {logs})") from trouble
        except BaseException:
            self.down()
            raise
        record.up_in_s = round(time.monotonic() - started, 2)
        if keep:
            record.owner = None
        _write(self.run, record)

    def down(self) -> None:
        """End its processes, then take away cable, control groups and files. Safe to repeat, safe on what a crash
        left.
        """
        if not self.run.exists():
            return
        record = _read(self.run)
        processes = Processes(self.run)
        inside = _first_inside(processes)
        processes.kill("node")  # the kernel ends everything inside: containers, shims, kubelet, mounts, bridge, rules
        processes.stop()
        if inside is not None:
            pid, born = inside
            wait_for("the end of what ran inside the node", lambda: birth(pid) != born)
        if record.network is not None:
            network.Network(record.network).cut()
        if record.cgroup:
            nodespace.remove_cgroups(record.cgroup)
        link = cache.runs() / self.run.name
        _remove(self.run)
        if link.is_symlink():
            link.unlink(missing_ok=True)

    def api(self) -> httpx.Client:
        """An administrator's client."""
        return controlplane.api(self.server, self.pki)

    def kubectl(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """Standard output; with `check` a failure raises ClusterError with what kubectl said."""
        program = build.binaries()["kubectl"]
        command = [str(program), "--kubeconfig", str(self.kubeconfig), *arguments]
        for _ in range(5):
            done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
            if "TLS handshake timeout" not in done.stderr:  # ten seconds, which nobody can tell it to make more
                break
        if check and done.returncode:
            raise ClusterError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def said(self, pod: str, script: str) -> str:
        """What a shell script in a pod prints: all of it."""
        for left in reversed(range(EXEC_TRIES)):
            try:
                told = all_said(self.kubectl("exec", pod, "--", "sh", "-c", saying_so(script)))
            except ClusterError:  # it could not be run: the script itself always succeeds
                if not left:
                    raise
                time.sleep(1)
            else:
                if told is not None:
                    return told
        raise ClusterError(f"{script!r} in {pod}: its output got lost {EXEC_TRIES} times")

    def await_served(self, *definitions: str) -> None:
        """Until CustomResourceDefinitions are. `kubectl wait` does not: it fails on one without conditions, as each is
        at first."""
        with self.api() as http:
            for name in definitions:
                wait_for(f"{name} to be served", lambda name=name: is_served(http, name))

    def load(self, *wanted: Image) -> None:
        """Give images to the kubelet node."""
        node.load(self.run, self.inside(), list(wanted))

    def inside(self) -> list[str]:
        """Prefix of a command to run inside the kubelet node."""
        if self.nodes != "kubelet":
            raise ClusterError("there is no node to enter; only --nodes kubelet has one")
        outer, _ = Processes(self.run).recorded()["node"]
        return nodespace.enter(nodespace.first(outer))

    def running(self) -> bool:
        return Processes(self.run).alive("kube-apiserver")

    def owned(self) -> bool:
        """Belongs to a process (a test run), which will take it down itself."""
        return _read(self.run).owner is not None

    def memory_bytes(self) -> int:
        """Resident memory of the host processes, the node's own programs included, containers not."""
        total = 0
        for name, (pid, _) in Processes(self.run).recorded().items():
            if Processes(self.run).alive(name):
                total += _resident(pid)
        return total

    def _register(self, owner: int) -> _Record:
        with cache.lock("clusters"):
            sweep()
            kind, _ = _parse(self.nodes)
            record = _Record(self.nodes, [owner, birth(owner) or 0])
            if kind == "kubelet":
                taken = {other.network for other in map(_read, _directories()) if other.network is not None}
                record.network = network.unused(taken).number
                record.cgroup = f"akp-{self.run.name}"
            if self.run.exists() and any(self.run.iterdir()):
                raise ClusterError(f"{self.run} is not empty; `python -m e2e.cluster down --dir {self.run}` first")
            self.run.mkdir(parents=True, exist_ok=True, mode=0o755)
            _write(self.run, record)
            link = cache.runs() / self.run.name
            if not link.exists():
                link.symlink_to(self.run)
        return record

    def _start(self, record: _Record, programs: dict[str, Path], kind: str, count: int) -> None:
        processes = Processes(self.run)
        place = controlplane.Place(self.run)
        init = 0
        if record.network is not None:
            wires = network.Network(record.network)
            nodespace.make_cgroups(record.cgroup)
            init = nodespace.start(self.run, processes)
            wires.lay(init)
            place = controlplane.Place(self.run, wires.host, wires.services, wires.kubernetes_service)
        node_address = network.Network(record.network).node if record.network is not None else None
        record.server = controlplane.start(programs, place, processes, node_address=node_address)
        _write(self.run, record)
        if record.network is not None:
            node.start(programs, self.run, network.Network(record.network), processes, init=init, cgroup=record.cgroup)
        elif kind == "kwok":
            kwok.start(programs, self.run, processes)
            with self.api() as http:
                kwok.create_nodes(http, count)
        self._await_nodes(count, processes)

    def _await_nodes(self, count: int, processes: Processes) -> None:
        with self.api() as http:

            def ready() -> bool:
                for name in processes.recorded():
                    if not processes.alive(name):
                        raise RuntimeError(f"{name} ended: {processes.tail(name)}")
                answer = got(http, "/api/v1/nodes")
                return answer is not None and sum(map(is_ready, answer["items"])) >= count

            last = list(processes.recorded())[-2:]
            wait_for(f"{count} nodes to be Ready", ready, lambda: "".join(map(processes.tail, last)))

    def _keep_logs(self) -> Path:
        kept = cache.root() / "failed" / self.run.name
        if (self.run / "log").exists():
            shutil.copytree(self.run / "log", kept, dirs_exist_ok=True)
        return kept


def require(nodes: str) -> str | None:
    """Why a cluster with such nodes cannot run on this machine; None when it can."""
    kind, _ = _parse(nodes)
    wanted = [name for name in build.missing() if name != "kwok" or kind == "kwok"]
    if wanted and not shutil.which("go"):
        return f"go is not on PATH, and {', '.join(wanted)} must be built first"
    if kind != "kubelet":
        return None
    if os.geteuid() != 0:
        return "a kubelet node needs root"
    absent = packages.missing()
    if absent and not shutil.which("apt-get"):
        return f"a kubelet node needs {', '.join(absent)}, and there is no apt-get here to install them"
    if not nodespace.CGROUPS.is_dir():
        return "a kubelet node needs control groups under /sys/fs/cgroup"
    probe = ["unshare", "--mount", "--pid", "--net", "--fork", "true"]
    if not shutil.which("unshare") or subprocess.run(probe, capture_output=True, check=False).returncode:
        return "a kubelet node needs namespaces of its own, and unshare is not allowed to make them here"
    return None


def clusters() -> list[Cluster]:
    """Those written down in the cache."""
    found = []
    for directory in _directories():
        cluster = Cluster(_read(directory).nodes, directory=directory)
        found.append(cluster)
    return found


def sweep() -> list[Path]:
    """Take away what crashed processes left behind; returns the run directories removed. Under the lock "clusters":
    of two at once each would take away what the other is at."""
    gone = []
    for cluster in clusters():
        if not (cluster.run / _RECORD).exists():
            shutil.rmtree(cluster.run, ignore_errors=True)  # cut off before anything was made, or just being removed
            continue
        owner = _read(cluster.run).owner
        stale = birth(owner[0]) != owner[1] if owner else not cluster.running()
        if stale:
            cluster.down()
            gone.append(cluster.run)
    return gone


def _parse(nodes: str) -> tuple[str, int]:
    kind, _, count = nodes.partition(":")
    if kind == "kwok" and count.isdigit() and int(count) > 0:
        return kind, int(count)
    if nodes in ("none", "kubelet"):
        return nodes, int(nodes == "kubelet")
    raise ValueError(f"nodes: {nodes!r} is none of none, kubelet, kwok:N")


def _directories() -> list[Path]:
    for link in cache.runs().iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink(missing_ok=True)
    return sorted(each.resolve() for each in cache.runs().iterdir())


def _read(run: Path) -> _Record:
    try:
        return _Record(**json.loads((run / _RECORD).read_text()))
    except (OSError, ValueError, TypeError):
        return _Record("none", [0, 0])  # cut off while being written: nothing was made yet


def _write(run: Path, record: _Record) -> None:
    partial = run / "cluster.json.partial"
    partial.write_text(json.dumps(asdict(record)))
    partial.replace(run / _RECORD)


def _remove(run: Path) -> None:
    """The record goes last: until then nobody else may have what it names. What was killed may still be ending a
    write."""

    def emptied() -> bool:
        try:
            for each in run.iterdir():
                if each.is_dir() and not each.is_symlink():
                    shutil.rmtree(each)
                elif each.name != _RECORD:
                    each.unlink()
        except OSError:
            return False
        return True

    wait_for(f"{run} to be emptied", emptied)
    shutil.rmtree(run, ignore_errors=True)


def _first_inside(processes: Processes) -> tuple[int, int] | None:
    """The node's first process by pid and birth; it ends after all others inside."""
    if not processes.alive("node"):
        return None
    try:
        pid = nodespace.first(processes.recorded()["node"][0])
    except (OSError, IndexError):
        return None
    born = birth(pid)
    return None if born is None else (pid, born)


def _resident(pid: int) -> int:
    """Of a process and its descendants (a program inside the node is a child of nsenter)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(_resident(int(child)) for child in children)
