"""How many replicas of a service a node's drain may take at a time: one, where there are more.

A service of one replica gets no budget: it would keep its node from ever being emptied. What is broken anyway never
holds a drain up.
"""

from __future__ import annotations

from typing import Any

from manifests.ids import LeaseID
from manifests.manifest import Service
from manifests.render import names
from manifests.render.site import Site


def disruption_budget(lease: LeaseID, service: Service, site: Site, revision: str) -> list[dict[str, Any]]:
    if service.count < 2 or not site.disruption_budgets:
        return []
    return [
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": names.metadata(lease, service.name, revision, service.name),
            "spec": {
                "maxUnavailable": 1,
                "unhealthyPodEvictionPolicy": "AlwaysAllow",
                "selector": {"matchLabels": names.pod_labels(lease, service.name)},
            },
        }
    ]
