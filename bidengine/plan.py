"""What a placement means for the services of a manifest: the card, the runtime class and the nodes each is deployed
with (kubernetes.md §2.9).

A service that is deployed already keeps the nodes it was deployed with, and one that was taken over from other software
has none: other nodes would change its pods' template, and that would restart them for nothing.
"""

from __future__ import annotations

from bidengine.placement import Placement
from bidengine.runtimes import UNSEEN, Runtimes
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.render.site import DEFAULT_PLAN, ServicePlan


def service_plans(
    group: ManifestGroup, placement: Placement, stored: StoredManifest | None = None, runtimes: Runtimes = UNSEEN
) -> dict[str, ServicePlan]:
    """By service name. `stored` is the lease's manifest as it was deployed before, if it was."""
    known = {service.name for service in stored.group.services} if stored is not None else set()
    out = {}
    for service in group.services:
        card, nodes = placement.gpu_of(service.resources.id), placement.nodes_of(service.resources.id)
        if stored is not None and service.name in known:
            nodes = stored.plan.get(service.name, DEFAULT_PLAN).nodes
        runtime = runtimes.of(gpus=1, vendor=card.vendor) if card is not None else ""
        out[service.name] = ServicePlan(runtime, card, nodes)
    return out
