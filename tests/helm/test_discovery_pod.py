"""The chart's DaemonSet on a real kubelet, with the account, the token and the mounts it has there; the node then says
which cards lie in it.

Its image cannot be built here, so the pod gets this interpreter and this checkout, read-only; and the node's /sys, in
which there are no cards, is one that a test has made.
"""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import Cluster, images
from tests.helm.accounts import HOME
from tests.provider.cluster.discovery.sysfs import Machine

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
ROOT = Path(__file__).resolve().parents[2]
NAME = "provider-akash-provider-discovery"
PODS = ("--namespace", HOME, "--selector", "app.kubernetes.io/name=akash-provider-discovery")
LABEL = "discovery.akash.network/pci-10de_2330"


def here(pod: dict[str, Any], machine: Machine) -> None:
    """Runs this checkout, and sees `machine`."""
    (box,) = pod["containers"]
    box |= {"image": images.SHELL, "command": [sys.executable, "-m", "provider"]}
    for volume in pod["volumes"]:
        path = Path(volume["hostPath"]["path"])
        volume["hostPath"]["path"] = str(machine.sys / path.relative_to("/sys"))
    needed = [Path(sys.base_prefix), Path(sys.prefix), ROOT, *map(Path, ("/usr", "/lib", "/lib64"))]
    for number, path in enumerate(path for path in dict.fromkeys(needed) if path.exists()):
        pod["volumes"].append({"name": f"host-{number}", "hostPath": {"path": str(path)}})
        box["volumeMounts"].append({"name": f"host-{number}", "mountPath": str(path), "readOnly": True})


def test_the_node_says_which_cards_lie_in_it(
    kubelet_cluster: Cluster, objects: Callable[..., Any], tmp_path: Path
) -> None:
    machine = Machine(tmp_path)
    machine.put("0000:17:00.0", "10de:2330", driver="nvidia")
    machine.put("0000:65:00.0", "10de:2330", driver="nvidia")
    machine.put("0000:65:00.1", "10de:22ba", "0x040300")
    tmp_path.chmod(0o755)
    found = objects("minimal", "--set", "discovery.enabled=true,discovery.everySeconds=1")
    made = [copy.deepcopy(obj) for (_, name), obj in found.items() if name.endswith(NAME)]
    (daemons,) = (obj for obj in made if obj["kind"] == "DaemonSet")
    here(daemons["spec"]["template"]["spec"], machine)
    kubelet_cluster.load(images.shell())
    home = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": HOME}}
    text = yaml.dump_all([home, *made], Dumper=yaml.SafeDumper)
    try:
        kubelet_cluster.kubectl("apply", "--server-side", "-f", "-", stdin=text)
        until(kubelet_cluster, {LABEL: "2"})
        machine.pull("0000:17:00.0")
        until(kubelet_cluster, {LABEL: "1"})
        machine.pull("0000:65:00.0")
        until(kubelet_cluster, {})
        (pod,) = json.loads(kubelet_cluster.kubectl("get", "pods", *PODS, "-o", "json"))["items"]
        assert [status["restartCount"] for status in pod["status"]["containerStatuses"]] == [0]
    finally:
        kubelet_cluster.kubectl("delete", "--ignore-not-found", "-f", "-", stdin=yaml.dump_all(made))


def until(cluster: Cluster, wanted: dict[str, str]) -> None:
    for _ in range(2000):
        node = json.loads(cluster.kubectl("get", "node", "node1", "-o", "json"))
        labels = {k: v for k, v in node["metadata"]["labels"].items() if k.startswith("discovery.akash.network/")}
        if labels == wanted:
            return
        time.sleep(0.3)
    pods = cluster.kubectl("describe", "pods", *PODS)
    logs = cluster.kubectl("logs", f"daemonset/{NAME}", "--namespace", HOME, check=False)
    raise AssertionError(f"still {labels}, not {wanted}\n{pods}\n{logs}")
