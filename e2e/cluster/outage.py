"""Parts of a running cluster that are away for a while: frozen where they are, or killed and started again.

A frozen program keeps its connections and answers nothing, so whoever waits for it learns of it only by waiting too
long; a killed one is noticed at once. A program inside the node hangs on `nsenter`, so it is the last of its line that
is meant. What else gives up while the API server is away (whoever loses a lease of its own ends) is started again too,
as a kubelet would.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from e2e.cluster.cluster import Cluster
from e2e.cluster.processes import PATIENCE_S, Processes


@contextmanager
def frozen(cluster: Cluster, name: str) -> Iterator[None]:
    """`name` as in `log/`: kube-apiserver, kubelet, containerd, …"""
    line = _line(_pid(cluster, name))
    os.kill(line[-1], signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in line:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def killed(cluster: Cluster, name: str, flags: Mapping[str, str] | None = None) -> Iterator[None]:
    """Afterwards it runs again with the same data and arguments, but for `flags`, and answers if it is the API
    server."""
    processes = Processes(cluster.run)
    commands = {each: _command(_pid(cluster, each)) for each in processes.recorded() if processes.alive(each)}
    for pid in reversed(_line(_pid(cluster, name))[1:]):
        os.kill(pid, signal.SIGKILL)
    processes.kill(name)
    try:
        yield
    finally:
        changed = [f"--{flag}={value}" for flag, value in (flags or {}).items()]
        processes.start(name, [*commands.pop(name), *changed])
        _await_ready(cluster, processes)
        for other, command in commands.items():
            if not processes.alive(other):
                processes.start(other, command)


def _pid(cluster: Cluster, name: str) -> int:
    return Processes(cluster.run).recorded()[name][0]


def _line(pid: int) -> list[int]:
    """The process and, of one that only entered the node for another, that other."""
    out = [pid]
    while _program(out[-1]) == "nsenter":
        children = Path(f"/proc/{out[-1]}/task/{out[-1]}/children").read_text().split()
        if not children:
            break
        out.append(int(children[0]))
    return out


def _program(pid: int) -> str:
    return Path(_command(pid)[0]).name


def _command(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]


def _await_ready(cluster: Cluster, processes: Processes) -> None:
    deadline = time.monotonic() + PATIENCE_S
    with cluster.api() as http:
        while True:
            try:
                if http.get("/readyz").text == "ok":
                    return
            except httpx.TransportError:
                pass
            if time.monotonic() > deadline:
                raise RuntimeError(f"the API server did not come back: {processes.tail('kube-apiserver')}")
            time.sleep(0.1)
