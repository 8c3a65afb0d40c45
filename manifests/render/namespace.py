"""The namespace of a lease: everything the tenant runs lives in it and dies with it."""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID, lease_namespace
from manifests.render import names
from manifests.render.isolation import namespace_labels
from manifests.render.site import Site


def namespace(lease: LeaseID, site: Site, revision: str) -> dict[str, Any]:
    labels = {**names.object_labels(lease, revision), **namespace_labels(site.isolation)}
    return {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {"name": lease_namespace(lease), "labels": labels},
    }
