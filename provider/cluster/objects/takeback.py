"""What server-side apply leaves as somebody else has made it, because it is in no field that we apply: ports added to a
Service, and addresses by which all of the cluster would reach a lease through it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from provider.cluster.api.kinds import SERVICE, kind_of
from provider.cluster.api.kube import Kube, Object

log = structlog.get_logger()
_LEADING_IN = ("externalIPs", "externalName")


async def take_back(kube: Kube, said: Mapping[str, Any], applied: Object) -> Object:
    """`applied` is what became of `said`; returned as it is then. A Service of a leased address is its controller's
    too, and left alone."""
    kind, metadata = kind_of(said), said["metadata"]
    if kind is not SERVICE or said["spec"].get("type") == "LoadBalancer":
        return applied
    change = added(said["spec"], applied.get("spec") or {})
    if not change:
        return applied
    log.warning("added by somebody and taken away", kind=str(kind), name=metadata["name"], fields=sorted(change))
    return await kube.patch(kind, metadata["namespace"], metadata["name"], {"spec": change})


def added(said: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """What to merge into a Service's spec so that nothing is left of what was added; a port keeps its node port."""
    change: dict[str, Any] = {field: None for field in _LEADING_IN if there.get(field) and not said.get(field)}
    ports = said.get("ports") or []
    if len(there.get("ports") or ()) > len(ports):
        change["ports"] = ports
    return change
