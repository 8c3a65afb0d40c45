"""What an addon may use of the cluster it is added to."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.cluster.cluster import Cluster
from e2e.cluster.processes import PATIENCE_S, Processes


@dataclass(frozen=True, slots=True)
class Ground:
    cluster: Cluster
    program: Path
    """the addon's own"""

    @property
    def run(self) -> Path:
        return self.cluster.run

    @property
    def processes(self) -> Processes:
        return Processes(self.run)

    def start(self, name: str, command: list[str]) -> None:
        """A program beside the control plane, in place of what an attempt that failed may have left."""
        self.processes.kill(name)
        self.processes.start(name, command)

    def apply(self, *objects: dict[str, Any]) -> None:
        whole = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        self.cluster.kubectl("apply", "--server-side", "-f", "-", stdin=whole)

    def define(self, *definitions: dict[str, Any]) -> None:
        """CustomResourceDefinitions; returns when they are served."""
        self.apply(*definitions)
        self.cluster.await_served(*(each["metadata"]["name"] for each in definitions))

    def wait_for(self, what: str, seen: Callable[[], bool], *names: str) -> None:
        """`names` are the processes without which it will not come."""
        deadline = time.monotonic() + PATIENCE_S
        while not seen():
            for name in names:
                if not self.processes.alive(name):
                    raise RuntimeError(f"{name} ended: {self.processes.tail(name)}")
            if time.monotonic() > deadline:
                said = "".join(f"\n{name}: {self.processes.tail(name)}" for name in names)
                raise RuntimeError(f"waited {PATIENCE_S:.0f} s for {what}{said}")
            time.sleep(0.1)


def reader(name: str, namespace: str, watched: list[dict[str, list[str]]]) -> list[dict[str, object]]:
    """A service account that may watch what the rules of `watched` name, and nothing else."""
    rbac, cluster_role = "rbac.authorization.k8s.io", "ClusterRole"
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}},
        {"apiVersion": f"{rbac}/v1", "kind": cluster_role, "metadata": {"name": name}, "rules": watched},
        {
            "apiVersion": f"{rbac}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": name},
            "roleRef": {"apiGroup": rbac, "kind": cluster_role, "name": name},
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
        },
    ]


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}
