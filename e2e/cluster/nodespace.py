"""The namespaces a kubelet node lives in: own processes, mounts and network, so that one kill takes everything away.

Inside, `/run` is a fresh tmpfs and `/var/log`, `/var/lib/cni` and `/var/lib/kubelet` (where device plugins meet the
kubelet, whatever its root) belong to the run directory: neither containerd's shims nor its mounts nor its sockets
outlive the node or are seen by the host. What does outlive it are control groups; `remove_cgroups` takes those.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from e2e.cluster.images import pause_binary
from e2e.cluster.processes import PATIENCE_S, Processes

CGROUPS = Path("/sys/fs/cgroup")
PRIVATE = ("/var/log", "/var/lib/cni", "/var/lib/kubelet")


def enter(init: int) -> list[str]:
    """Prefix of a command to run inside the node."""
    return ["nsenter", "-t", str(init), "-m", "-p", "-n", "--"]


def start(run: Path, processes: Processes) -> int:
    """The node's first process; returns its pid as the host sees it. Ends with the host process recorded as `node`."""
    for inside in PRIVATE:
        (run / private(inside)).mkdir(exist_ok=True)
        Path(inside).mkdir(parents=True, exist_ok=True)
    binds = "\n".join(f"mount --bind '{run / private(inside)}' {inside}" for inside in PRIVATE)
    ready = run / "node.ready"
    ready.unlink(missing_ok=True)
    script = f"""set -e
mount --make-rshared /
mount -t tmpfs -o mode=755 run /run
{binds}
: > '{ready}'
exec '{pause_binary()}'
"""
    command = ["unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "sh", "-c", script]
    outer = processes.start("node", command)
    deadline = time.monotonic() + PATIENCE_S
    while not ready.exists():
        if time.monotonic() > deadline or not processes.alive("node"):
            raise RuntimeError(f"the node's namespaces could not be made: {processes.tail('node')}")
        time.sleep(0.02)
    return first(outer)


def first(outer: int) -> int:
    """The node's first process, child of the host process recorded as `node`. OSError or IndexError when it is gone."""
    return int(Path(f"/proc/{outer}/task/{outer}/children").read_text().split()[0])


def private(inside: str) -> str:
    """Name of the folder in the run directory that the node sees as `inside`, a path of PRIVATE."""
    return inside.strip("/").replace("/", "-")


def make_cgroups(name: str) -> None:
    """kubelet wants its root to exist in every hierarchy it uses."""
    for hierarchy in _hierarchies():
        if hierarchy.name != "unified":
            (hierarchy / name).mkdir(exist_ok=True)


def remove_cgroups(name: str, *, patience_s: float = PATIENCE_S) -> None:
    """Remove the tree in every hierarchy, once the kernel has let go of the last process."""
    deadline = time.monotonic() + patience_s
    for hierarchy in _hierarchies():
        while (top := hierarchy / name).exists():
            for folder in sorted((each for each in top.rglob("*") if each.is_dir()), key=lambda each: -len(each.parts)):
                with contextlib.suppress(OSError):
                    folder.rmdir()
            with contextlib.suppress(OSError):
                top.rmdir()
            if top.exists():
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{top} still holds processes")
                time.sleep(0.05)


def _hierarchies() -> list[Path]:
    """Version 2 has one hierarchy at the root; version 1 one folder per controller (some are links to another).

    On a machine with both, runc also makes groups in `unified`, which no controller is bound to.
    """
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS]
    return [each for each in CGROUPS.iterdir() if each.is_dir() and not each.is_symlink()]
