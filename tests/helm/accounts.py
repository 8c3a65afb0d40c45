"""A service account of the chart, and nothing else: what a process in its pod could do."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

import yaml

from e2e.cluster import Cluster
from e2e.cluster.served import wait_for

HOME = "akash-services"
ONE_OF_EACH_BINDING = (
    ("create", "namespaces"),
    ("create", "manifests.akash.network", "--namespace", "lease"),
    ("list", "endpointslices.discovery.k8s.io", "--namespace", "default"),
)
"""of the daemon's, in the chart"""


def await_rights(cluster: Cluster, who: Sequence[str], *rights: Sequence[str]) -> None:
    """Until the API server heeds them, a moment after they were given; name one of each binding. `who` are flags of
    kubectl, a right is verb, resource and flags."""
    for right in rights:
        wait_for(
            f"the right to {' '.join(right)}",
            lambda right=right: cluster.kubectl("auth", "can-i", *right, *who, check=False).strip() == "yes",
        )


def kubeconfig_of(cluster: Cluster, account: str, file: Path, *more: str) -> Path:
    """Writes it; `more` are flags of `kubectl create token`."""
    token = cluster.kubectl("create", "token", account, "--namespace", HOME, "--duration=2h", *more).strip()
    authority = base64.b64encode((cluster.pki / "ca.crt").read_bytes()).decode()
    server = {"server": cluster.server, "certificate-authority-data": authority}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": server}],
        "users": [{"name": "account", "user": {"token": token}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "account"}}],
        "current-context": "here",
    }
    file.write_text(yaml.safe_dump(config))
    return file
