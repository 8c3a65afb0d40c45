"""The kubelet cluster itself: a container runs, answers, logs, takes commands; afterwards nothing is left, whatever was
added."""

from __future__ import annotations

import json
import os
import subprocess
import urllib.request
from pathlib import Path

import pytest

from e2e.cluster import Cluster, addons, cache, clusters, require
from e2e.cluster.cluster import sweep
from e2e.cluster.served import wait_for

pytestmark = pytest.mark.real

POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web"},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "web",
                "image": "docker.io/library/web:1",
                "resources": {"limits": {"cpu": "100m", "memory": "64Mi"}},
            }
        ],
    },
}


def traces(name: str, network: int | None) -> list[str]:
    """What a cluster could leave behind: processes, mounts, control groups, cables, files."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = process.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if name in text and process.parent.name != str(os.getpid()):
            found.append(f"process {process.parent.name}: {text[:120]}")
    found += [line for line in Path("/proc/mounts").read_text().splitlines() if name in line]
    # Not glob, which fails where a group of somebody else goes while it looks.
    groups = (Path(at) / each for at, inside, _ in os.walk("/sys/fs/cgroup") for each in inside)
    found += [str(each) for each in groups if each.name == f"akp-{name}"]
    links = json.loads(subprocess.run(["ip", "-j", "link"], capture_output=True, text=True, check=True).stdout)
    found += [each["ifname"] for each in links if each["ifname"] == f"akp{network}"]
    found += [str(each.run) for each in clusters() if each.run.name == name]
    return found


@pytest.fixture
def cluster() -> Cluster:
    reason = require("kubelet")
    if reason:
        pytest.skip(f"no kubelet cluster: {reason}")
    return Cluster("kubelet")


def test_a_container_runs_and_nothing_is_left_afterwards(cluster: Cluster) -> None:
    cluster.up()
    try:
        network = json.loads((cluster.run / "cluster.json").read_text())["network"]
        cluster.kubectl("apply", "-f", "-", stdin=json.dumps(POD))
        cluster.kubectl("wait", "--for=condition=Ready", "pod/web", "--timeout=600s")
        address = cluster.kubectl("get", "pod", "web", "-o", "jsonpath={.status.podIP}")
        wait_for("a page", lambda: page(f"http://{address}:8080/") == (200, b"hello\n"))
        for line in ("web is listening on 8080", "response:200"):
            wait_for(f"{line!r} in the log", lambda line=line: line in cluster.kubectl("logs", "web"))
        assert cluster.said("web", "echo $((6 * 7))") == "42\n"
        if addons.require(*addons.ADDONS) is None:
            addons.add(cluster, *addons.ADDONS)
        assert traces(cluster.run.name, network)
    finally:
        with cache.lock("clusters"):  # its network's number may be another's as soon as it is free
            cluster.down()
            left = traces(cluster.run.name, network)
    assert left == []


def test_what_a_killed_owner_leaves_is_swept_away(cluster: Cluster) -> None:
    """The owner is a process that ends without taking its cluster down."""
    owner = subprocess.Popen(["sleep", "infinity"])
    try:
        cluster.up(owner=owner.pid)
        network = json.loads((cluster.run / "cluster.json").read_text())["network"]
        with cache.lock("clusters"):  # other tests sweep too, before each start
            assert cluster.run not in sweep()
            owner.kill()
            owner.wait()
            assert cluster.run in sweep()
            assert traces(cluster.run.name, network) == []
    finally:
        owner.kill()
        owner.wait()


def page(url: str) -> tuple[int, bytes] | None:
    """None while nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read()
    except OSError:
        return None
