"""Pytest fixtures for whoever needs the real thing; registered with `pytest_plugins = ["e2e.fixtures"]`.

One control plane serves a whole test run, also when pytest-xdist spreads it over several processes: the first to ask
starts it, the last to leave takes it down, and should they all be killed, the next cluster sweeps it away.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster, addons, require
from provider.chain import comet, nodes

# looptime asks for "the" event loop before a plain test too; without this Python 3.11 makes one, which nobody closes.
asyncio.set_event_loop(None)


@pytest.fixture(autouse=True, scope="session")
def _nodes_may_be_late() -> Iterator[None]:
    """Nodes of a test live in its own process: when that stands still for a while, on a busy machine, an answer is late
    which would have come in time."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in ((nodes, "ANSWER_S"), (nodes, "LOOK_S"), (comet, "ANSWER_S")):
            patch.setattr(module, name, 120.0)
        yield


@pytest.fixture(scope="session")
def real_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real control plane with one simulated node (kwok): pods become Ready, nothing runs. Skips where it cannot."""
    yield from _shared("kwok:1", tmp_path_factory)


@pytest.fixture(scope="session")
def kubelet_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A real control plane with one real node that runs containers. Needs root; skips by name where it cannot."""
    yield from _shared("kubelet", tmp_path_factory)


@pytest.fixture(scope="session")
def kubelet_cluster_with(kubelet_cluster: Cluster) -> Callable[..., Cluster]:
    """The same with addons (e2e.cluster.addons), e.g. `kubelet_cluster_with("dns", "ingress")`; skips where one cannot
    be had."""

    def furnished(*names: str) -> Cluster:
        reason = addons.require(*names)
        if reason:
            pytest.skip(reason)
        addons.add(kubelet_cluster, *names)
        return kubelet_cluster

    return furnished


@pytest.fixture(scope="session")
def real_node(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of a cluster whose nodes run containers: `$AKP_E2E_KUBECONFIG` (kind in users' CI, or any other
    that has the image docker.io/library/web:1), else one made here."""
    given = os.environ.get("AKP_E2E_KUBECONFIG")
    if given:
        return Path(given)
    cluster: Cluster = request.getfixturevalue("kubelet_cluster")
    return cluster.kubeconfig


def _shared(nodes: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    reason = require(nodes)
    if reason:
        pytest.skip(f"no real cluster: {reason}")
    base = tmp_path_factory.getbasetemp()
    in_xdist = "PYTEST_XDIST_WORKER" in os.environ
    book = (base.parent if in_xdist else base) / f"cluster-{nodes.partition(':')[0]}.json"
    with _edit(book) as entry:
        cluster = Cluster(nodes, directory=Path(entry["run"]) if entry.get("users") else None)
        if not entry.get("users"):
            cluster.up(owner=os.getppid() if in_xdist else os.getpid())
        entry |= {"run": str(cluster.run), "users": entry.get("users", 0) + 1}
    try:
        yield cluster
    finally:
        with _edit(book) as entry:
            entry["users"] -= 1
            if not entry["users"]:
                cluster.down()


@contextmanager
def _edit(book: Path) -> Iterator[dict[str, Any]]:
    """Who uses the cluster, changed by one process at a time."""
    with book.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        entry: dict[str, Any] = json.loads(file.read() or "{}")
        yield entry
        file.seek(0)
        file.truncate()
        file.write(json.dumps(entry))
