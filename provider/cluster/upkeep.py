"""Keeps what leads in by a claim as it was rendered: an Ingress, an HTTPRoute, or the Service of a leased port.

Three things keep it from doing so for ever and for nothing: a field that somebody else holds otherwise after it was
applied, a change that comes back each time it is undone, which is left for longer and longer (written.py), and the old
address of a port that moved, which is asked for only so long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import structlog

from manifests.ids import LeaseID, lease_namespace
from provider.cluster.api.kinds import SERVICE, Kind, kind_of
from provider.cluster.api.kube import Kube, Object
from provider.cluster.mirrors import Mirrors
from provider.cluster.objects.apply import put
from provider.cluster.routes.claims import Ownership
from provider.cluster.routes.doors import Door, as_said, covers
from provider.cluster.routes.waiting import Why
from provider.cluster.routes.written import Unlike, Written
from provider.tasks import loop_s

log = structlog.get_logger()

Where = tuple[Kind, str, str]
"""Kind, namespace and name of an object."""

PINNED_S = 60.0
"""A port that moved is asked for at its old address for this long, then at any."""


class Upkeep:
    """What is as it was rendered costs no request."""

    def __init__(self, kube: Kube, mirrors: Mirrors, now_s: Callable[[], float] = loop_s) -> None:
        self._kube, self._mirrors, self._now_s = kube, mirrors, now_s
        self._pinned_s: dict[tuple[str, str], float] = {}
        """Service asked for at its old address -> the clock's time of that"""
        self._stubborn: dict[Where, str] = {}
        """object -> version at which applying it did not make it as rendered"""
        self._written: Written[Where] = Written()

    async def apply(self, route: Mapping[str, Any], held: Ownership) -> bool:
        """False when it is left as somebody has changed it, for now: look again later."""
        kind, metadata = kind_of(route), route["metadata"]
        where = kind, metadata["namespace"], metadata["name"]
        found, rendered, version, unlike = self._mirrors.route(*where), route, "", Unlike.OUTDATED
        now_s = self._now_s()
        if found is None and held.address and kind is SERVICE:
            # It moved here from another lease of the tenant, who wants to keep its address.
            self._pinned_s[where[1:]] = now_s
            route = {**route, "spec": {**route["spec"], "loadBalancerIP": held.address}}
        elif found is not None and not self._pinned_too_long(found, where[1:]):
            version = found["metadata"]["resourceVersion"]
            if covers(found, as_said(route)) or self._stubborn.get(where) == version:
                return True
            unlike = self._written.unlike(where, rendered, version, now_s)
            if unlike is Unlike.UNSEEN:
                return True
            if unlike is Unlike.FOUGHT_OVER:
                return False
            if unlike is Unlike.CHANGED:
                log.warning("changed by somebody, made as it was", kind=str(kind), name=where[2], namespace=where[1])
        self._note(where, await put(self._kube, route), route)
        self._written.put(where, rendered, version)
        if unlike is Unlike.CHANGED:
            self._written.undone(where, self._now_s())
        return True

    def forget(self, namespace: str) -> None:
        """Its lease is over."""
        for where in self._written.forget(lambda where: where[1] == namespace):
            self._stubborn.pop(where, None)
            self._pinned_s.pop(where[1:], None)

    def addressed(self, lease: LeaseID, door: Door) -> tuple[Why, str] | None:
        for route in door.routes:
            facts = self._mirrors.services.get(lease_namespace(lease), route["metadata"]["name"])
            if facts is None or not facts.addresses:
                return Why.NO_ADDRESS, f"{door.called} waits for an address"
        return None

    def _note(self, where: Where, made: Object, route: Mapping[str, Any]) -> None:
        """Applied once more for nothing would be applied for ever."""
        self._stubborn.pop(where, None)
        if not covers(made, as_said(route)):
            self._stubborn[where] = made["metadata"].get("resourceVersion", "")
            log.warning("somebody keeps a field otherwise than rendered", kind=str(where[0]), name=where[2])

    def _pinned_too_long(self, found: Mapping[str, Any], service: tuple[str, str]) -> bool:
        """Whether the old address cannot be had: then any will do."""
        facts = self._mirrors.services.get(*service)
        if not found["spec"].get("loadBalancerIP") or facts is None or facts.addresses:
            self._pinned_s.pop(service, None)
            return False
        now_s = self._now_s()
        return now_s - self._pinned_s.setdefault(service, now_s) > PINNED_S
