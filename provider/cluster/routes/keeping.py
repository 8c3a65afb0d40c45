"""Keeps a claim of a lease as it was rendered, and less and less often where somebody changes it again each time
(mending.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import structlog

from manifests.ids import LeaseID
from provider.cluster.api.kube import Kube
from provider.cluster.routes.claims import Ownership, rewrite
from provider.cluster.routes.doors import Door, Key, as_said, covers
from provider.mending import Mending

log = structlog.get_logger()


class Keeping:
    """A claim that is as rendered costs no request."""

    def __init__(self, kube: Kube) -> None:
        self._kube = kube
        self._kept: dict[tuple[LeaseID, Key], tuple[Mapping[str, Any], str]] = {}
        """claim -> as it was rendered at the last look, and the version at which it was written because it was not
        so"""
        self._mending: Mending[tuple[LeaseID, Key]] = Mending()

    async def keep(self, lease: LeaseID, door: Door, held: Ownership) -> Ownership | None:
        """`held` is the lease's or nobody's; as it is then. None when it is left as somebody has changed it, for now:
        look again later."""
        which, now_s = (lease, door.key), asyncio.get_running_loop().time()
        before, unlike = self._kept.get(which, (None, ""))
        mends = before == door.claim  # else it is rendered otherwise by now
        if held.lease is not None and covers(held.obj, as_said(door.claim)):
            self._kept[which] = door.claim, ""
            return held
        if mends and held.version == unlike:  # what was written is not shown yet
            return held
        if mends and self._mending.wait_s(which, now_s) is not None:
            return None
        if mends:
            log.warning("changed by somebody, made as it was", kind=str(held.kind), name=held.name)
        made = await rewrite(self._kube, door.claim, held, address=held.address if held.moved else None)
        self._kept[which] = door.claim, held.version
        if mends:
            self._mending.mended(which, now_s)
        return made

    def forget(self, lease: LeaseID) -> None:
        """It is over."""
        for which in [which for which in self._kept if which[0] == lease]:
            del self._kept[which]
            self._mending.forget(which)
