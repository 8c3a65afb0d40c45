"""Keeps a claim of a lease as it was rendered, and less and less often where somebody changes it again each time
(written.py).
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

from manifests.ids import LeaseID
from provider.cluster.api.kube import Kube
from provider.cluster.routes.claims import Ownership, rewrite
from provider.cluster.routes.doors import Door, Key, as_said, covers
from provider.cluster.routes.written import Unlike, Written
from provider.tasks import loop_s

log = structlog.get_logger()


class Keeping:
    """A claim that is as rendered costs no request."""

    def __init__(self, kube: Kube, now_s: Callable[[], float] = loop_s) -> None:
        self._kube, self._now_s = kube, now_s
        self._written: Written[tuple[LeaseID, Key]] = Written()

    async def keep(self, lease: LeaseID, door: Door, held: Ownership) -> Ownership | None:
        """`held` is the lease's or nobody's; as it is then. None when it is left as somebody has changed it, for now:
        look again later."""
        which, now_s = (lease, door.key), self._now_s()
        if held.lease is not None and covers(held.obj, as_said(door.claim)):
            self._written.put(which, door.claim)
            return held
        unlike = self._written.unlike(which, door.claim, held.version, now_s)
        if unlike is Unlike.UNSEEN:
            return held
        if unlike is Unlike.FOUGHT_OVER:
            return None
        if unlike is Unlike.CHANGED:
            log.warning("changed by somebody, made as it was", kind=str(held.kind), name=held.name)
        made = await rewrite(self._kube, door.claim, held, address=held.address if held.moved else None)
        self._written.put(which, door.claim, held.version)
        if unlike is Unlike.CHANGED:
            self._written.undone(which, now_s)
        return made

    def forget(self, lease: LeaseID) -> None:
        """It is over."""
        self._written.forget(lambda which: which[0] == lease)
