"""A service account of the chart, and nothing else: what a process in its pod could do."""

from __future__ import annotations

import base64
from pathlib import Path

import yaml

from e2e.cluster import Cluster

HOME = "akash-services"


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
