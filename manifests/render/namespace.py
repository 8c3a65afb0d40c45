"""The namespace of a lease: everything the tenant runs lives in it and dies with it."""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.render import names


def namespace(lease: LeaseID, revision: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": lease_namespace(lease), "labels": names.object_labels(lease, revision)},
    }
