"""Keeps each lease on the cluster as its tenant asked last; where that is refused, as it was accepted last.

A refused update takes nothing from what was there before: that is maintained, and mended where somebody deletes or
changes it. What keeps a lease apart from others, its namespace and policies, is mended within OPEN_S, also while
somebody changes it again and again, and while nothing of the lease was ever accepted by this process. What the cluster
refuses for a reason that is not the tenant's is tried again; what is the tenant's fault waits for another manifest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from manifests.digest import revision
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from manifests.render.site import ServicePlan
from provider.errors import Blame, Refused
from provider.market.leases.problem import Problem
from provider.mending import Mending
from provider.tasks import loop_s

log = structlog.get_logger()
SHOWN_AFTER_S = 5.0
"""Mirrors show within this what the API server has accepted."""
REFUSED_AGAIN_S = 60.0
"""What a quota or a webhook refuses is tried again after this: the operator may have changed it."""
OPEN_S = 30.0
"""Longest wait before a namespace or a policy that was changed again is made as it was."""

Plan = Mapping[str, ServicePlan]


class Cluster(Protocol):
    """What is asked of provider.cluster.cluster.Cluster."""

    @property
    def fresh(self) -> bool: ...
    def namespaces(self) -> set[LeaseID]: ...
    def amiss(self, lease: LeaseID) -> str: ...
    def unshielded(self, lease: LeaseID) -> str: ...
    def outdated(self, lease: LeaseID) -> bool: ...
    def is_update(self, lease: LeaseID, revision: str) -> bool: ...
    async def deploy(
        self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str, *, update: bool = False
    ) -> None: ...
    async def shield(self, lease: LeaseID, group: ManifestGroup, plan: Plan, revision: str) -> None: ...


class Deployments:
    """`keep` is called at each look at a lease that has a manifest; it never waits, but asks to be called again by
    `look_again(lease, after_s)`. `problems` says why a lease is not as its tenant asked."""

    def __init__(self, cluster: Cluster, look_again: Callable[[LeaseID, float], None]) -> None:
        self.cluster, self._look_again = cluster, look_again
        self.problems: dict[LeaseID, Problem] = {}
        self._accepted: dict[LeaseID, StoredManifest] = {}
        """deployed by this process"""
        self._refused: dict[LeaseID, StoredManifest] = {}
        """tried last and refused"""
        self._again_s: dict[tuple[LeaseID, bool], float] = {}
        """the loop's time before which what was refused, an update or the mending of what was accepted, is not tried
        again"""
        self._touched_s: dict[LeaseID, float] = {}
        """the loop's time of the last deployment or mending"""
        self._mending: Mending[LeaseID] = Mending()
        self._shielding: Mending[LeaseID] = Mending(OPEN_S)

    async def keep(self, lease: LeaseID, stored: StoredManifest) -> None:
        if self._accepted.get(lease) == stored:
            if self._refused.pop(lease, stored) != stored:
                self.problems.pop(lease, None)  # of an update that its tenant has taken back
        elif self._is_due(lease, stored) and await self._deploy(lease, stored, update=self._is_update(lease, stored)):
            return
        await self._maintain(lease, stored)

    def again(self, lease: LeaseID) -> None:
        """Its tenant has sent a manifest, perhaps the same one: what was refused may be accepted now."""
        self._begin_anew(lease)
        self.problems.pop(lease, None)
        self._refused.pop(lease, None)

    def lost(self, lease: LeaseID) -> None:
        """Somebody has deleted its Manifest. What runs goes on; only the tenant can say again what it should be."""
        self._accepted.pop(lease, None)
        self.problems[lease] = Problem("its manifest is no longer in the cluster; send it again", Blame.TENANT)

    def forget(self, lease: LeaseID) -> None:
        """It is over."""
        for of in (self.problems, self._accepted, self._refused, self._touched_s):
            of.pop(lease, None)
        self._begin_anew(lease)
        self._shielding.forget(lease)

    def _begin_anew(self, lease: LeaseID) -> None:
        self._again_s.pop((lease, True), None)
        self._again_s.pop((lease, False), None)
        self._mending.forget(lease)

    def _is_update(self, lease: LeaseID, stored: StoredManifest) -> bool:
        return lease in self._accepted or self.cluster.is_update(lease, revision(stored.group))

    def _is_due(self, lease: LeaseID, stored: StoredManifest) -> bool:
        if self._refused.get(lease) != stored:
            return True
        problem = self.problems.get(lease)
        return problem is None or not (problem.final or self._is_held(lease, update=True))

    def _is_held(self, lease: LeaseID, *, update: bool) -> bool:
        """Whether the cluster has refused it a moment ago."""
        left_s = self._again_s.get((lease, update), 0.0) - loop_s()
        if left_s > 0:
            self._look_again(lease, left_s)
        return left_s > 0

    async def _maintain(self, lease: LeaseID, stored: StoredManifest) -> None:
        accepted = self._accepted.get(lease)
        if accepted is not None and self.cluster.outdated(lease) and not self._is_held(lease, update=False):
            await self._deploy(lease, accepted)
            return
        if accepted is None and lease not in self.cluster.namespaces():
            return  # nothing of it stands that could be open
        amiss = self.cluster.amiss(lease) if accepted is not None else self.cluster.unshielded(lease)
        if not amiss:
            return
        # Mirrors need a moment to show what was done, and what they cannot show when they are behind is not missing.
        if not self.cluster.fresh or loop_s() - self._touched_s.get(lease, 0.0) < SHOWN_AFTER_S:
            self._look_again(lease, SHOWN_AFTER_S)
            return
        if (
            accepted is not None
            and not self._is_held(lease, update=False)
            and self._may_mend(self._mending, lease, amiss)
        ):
            log.warning("somebody has deleted or changed what was deployed; it is deployed again", what=amiss)
            if await self._deploy(lease, accepted):
                self._mending.mended(lease, loop_s())
                self._shielding.mended(lease, loop_s())
        elif (open_ := self.cluster.unshielded(lease)) and self._may_mend(self._shielding, lease, open_):
            log.warning("somebody has deleted or changed what keeps the lease apart; it is made again", what=open_)
            await self._shield(lease, accepted or stored)

    def _may_mend(self, mending: Mending[LeaseID], lease: LeaseID, what: str) -> bool:
        wait_s = mending.wait_s(lease, loop_s())
        if wait_s:
            times = mending.times(lease)
            log.warning("changed again after it was made again", what=what, times=times, again_in_s=wait_s)
        if wait_s is not None:
            self._look_again(lease, mending.left_s(lease, loop_s()))
        return wait_s is None

    async def _deploy(self, lease: LeaseID, manifest: StoredManifest, *, update: bool = False) -> bool:
        label = revision(manifest.group)
        try:
            await self.cluster.deploy(lease, manifest.group, manifest.plan, label, update=update)
        except Refused as no:
            self._note(lease, manifest, Problem.of(no))
            return False
        if manifest != self._accepted.get(lease) or self._refused.get(lease) in (None, manifest):
            # Else an older one was mended, and what was refused still is.
            self._refused.pop(lease, None)
            self.problems.pop(lease, None)
            self._again_s.pop((lease, True), None)
        self._again_s.pop((lease, False), None)
        self._accepted[lease], self._touched_s[lease] = manifest, loop_s()
        log.info("deployed", services=len(manifest.group.services), revision=label)
        return True

    async def _shield(self, lease: LeaseID, manifest: StoredManifest) -> None:
        try:
            await self.cluster.shield(lease, manifest.group, manifest.plan, revision(manifest.group))
        except Refused as no:
            log.error("what keeps the lease apart from others is refused", why=str(no))
        self._touched_s[lease] = loop_s()
        self._shielding.mended(lease, loop_s())

    def _note(self, lease: LeaseID, manifest: StoredManifest, problem: Problem) -> None:
        log.error("the cluster refused the manifest", why=problem.why, blame=problem.blame.value or "unsaid")
        if self._refused.get(lease, manifest) == manifest or manifest != self._accepted.get(lease):
            self._refused[lease], self.problems[lease] = manifest, problem
        self._touched_s[lease] = loop_s()
        mends = manifest == self._accepted.get(lease)
        if mends or not problem.final:
            self._again_s[lease, not mends] = loop_s() + REFUSED_AGAIN_S
            self._look_again(lease, REFUSED_AGAIN_S)
