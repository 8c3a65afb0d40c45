"""What was accepted before is kept while an update is refused; what shields a lease is kept whatever happens."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from provider.errors import Blame, Refused
from provider.market.leases.deployments import OPEN_S, REFUSED_AGAIN_S, SHOWN_AFTER_S, Deployments

LEASE = LeaseID("akash1o", 1, 1, 1, "akash1us")
ONE, TWO, THREE = (StoredManifest(LEASE, ManifestGroup(name, ()), {}) for name in ("one", "two", "three"))
TENANTS = Refused("volume data cannot shrink", blame=Blame.TENANT)
QUOTA = Refused("exceeded quota", blame=Blame.CLUSTER)
SETTINGS = Refused("the plan names no card", blame=Blame.OPERATOR)


class Cluster:
    """`no` is raised for manifests of these names; `open` and `changed` are what somebody has done."""

    def __init__(self) -> None:
        self.fresh, self.outdated_, self.stands = True, False, True
        self.no: dict[str, Refused] = {}
        self.open = self.changed = ""
        self.of_another = False
        self.stays_open = False
        self.done: list[str] = []

    def namespaces(self) -> set[LeaseID]:
        return {LEASE} if self.stands else set()

    def amiss(self, lease: LeaseID) -> str:
        return self.open or self.changed

    def unshielded(self, lease: LeaseID) -> str:
        return self.open

    def outdated(self, lease: LeaseID) -> bool:
        return self.outdated_

    def is_update(self, lease: LeaseID, revision: str) -> bool:
        return self.of_another

    async def deploy(
        self, lease: LeaseID, group: ManifestGroup, plan: Any, revision: str, *, update: bool = False
    ) -> None:
        self.done.append(f"{'update' if update else 'deploy'} {group.name}")
        if group.name in self.no:
            raise self.no[group.name]
        self.open, self.changed = self.open if self.stays_open else "", ""

    async def shield(self, lease: LeaseID, group: ManifestGroup, plan: Any, revision: str) -> None:
        self.done.append(f"shield {group.name}")
        self.open = self.open if self.stays_open else ""


class Stage:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        monkeypatch.setattr("provider.market.leases.deployments.loop_s", lambda: self.now_s)
        self.cluster = Cluster()
        self.asked: list[float] = []
        self.of = Deployments(self.cluster, lambda _, after_s: self.asked.append(after_s))

    async def look(self, stored: StoredManifest, *, after_s: float = SHOWN_AFTER_S) -> list[str]:
        """What was done at a look, so long after the one before."""
        self.now_s += after_s
        before = len(self.cluster.done)
        await self.of.keep(LEASE, stored)
        return self.cluster.done[before:]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


@pytest.mark.parametrize("no", [TENANTS, QUOTA, SETTINGS], ids=["the tenant's", "the cluster's", "the operator's"])
async def test_a_refused_update_does_not_stop_what_was_accepted_from_being_mended(stage: Stage, no: Refused) -> None:
    assert await stage.look(ONE) == ["deploy one"]
    stage.cluster.no["two"] = no
    assert await stage.look(TWO) == ["update two"]
    assert await stage.look(TWO) == []
    stage.cluster.changed = "deployments/web was deleted"
    assert await stage.look(TWO) == ["deploy one"]
    stage.cluster.open = "networkpolicies/akash-deployment-restrictions was deleted"
    assert await stage.look(TWO, after_s=10) == ["deploy one"]
    assert stage.of.problems[LEASE].why == str(no), "the update is still told as refused"


@pytest.mark.parametrize(("of_another", "done"), [(True, "update two"), (False, "deploy two")])
async def test_a_new_process_rehearses_only_where_workloads_of_another_manifest_stand(
    stage: Stage, of_another: bool, done: str
) -> None:
    stage.cluster.of_another = of_another
    assert await stage.look(TWO) == [done]


async def test_what_is_the_tenants_fault_waits_for_another_manifest(stage: Stage) -> None:
    await stage.look(ONE)
    stage.cluster.no["two"] = TENANTS
    assert await stage.look(TWO) == ["update two"]
    assert await stage.look(TWO, after_s=86_400) == []
    assert await stage.look(THREE) == ["update three"]
    assert stage.of.problems == {}


async def test_a_tenant_who_takes_the_update_back_has_no_problem_left(stage: Stage) -> None:
    await stage.look(ONE)
    stage.cluster.no["two"] = TENANTS
    await stage.look(TWO)
    assert await stage.look(ONE) == [], "it was never touched"
    assert stage.of.problems == {}


@pytest.mark.parametrize("no", [QUOTA, SETTINGS], ids=["the cluster's", "the operator's"])
async def test_what_is_not_the_tenants_fault_is_tried_again_after_a_while(stage: Stage, no: Refused) -> None:
    stage.cluster.no["one"] = no
    assert await stage.look(ONE) == ["deploy one"]
    assert await stage.look(ONE) == []
    assert stage.asked[-1] == REFUSED_AGAIN_S - SHOWN_AFTER_S
    assert await stage.look(ONE, after_s=REFUSED_AGAIN_S) == ["deploy one"]
    stage.cluster.no.clear()
    assert await stage.look(ONE, after_s=REFUSED_AGAIN_S) == ["deploy one"]
    assert stage.of.problems == {}


@pytest.mark.parametrize("no", [TENANTS, QUOTA], ids=["the tenant's", "the cluster's"])
async def test_a_new_process_that_only_knows_the_refused_manifest_keeps_the_shield(stage: Stage, no: Refused) -> None:
    stage.cluster.no["two"] = no
    assert await stage.look(TWO) == ["deploy two"]
    stage.cluster.open = "networkpolicies/akash-deployment-restrictions was changed"
    assert await stage.look(TWO) == ["shield two"]
    stage.cluster.open, stage.cluster.stands = "no namespace", False
    assert await stage.look(TWO, after_s=OPEN_S) == [], "nothing is left that could be open"


async def test_mending_that_is_refused_is_told_and_tried_again(stage: Stage) -> None:
    await stage.look(ONE)
    stage.cluster.changed, stage.cluster.no["one"] = "deployments/web was deleted", QUOTA
    assert await stage.look(ONE) == ["deploy one"]
    assert stage.of.problems[LEASE].why == str(QUOTA)
    assert await stage.look(ONE, after_s=REFUSED_AGAIN_S - 1) == []
    stage.cluster.no.clear()
    assert await stage.look(ONE, after_s=1) == ["deploy one"]
    assert stage.of.problems == {}


async def test_what_is_outdated_and_refused_is_tried_once_a_minute(stage: Stage) -> None:
    await stage.look(ONE)
    stage.cluster.outdated_, stage.cluster.no["one"] = True, QUOTA
    assert await stage.look(ONE) == ["deploy one"]
    assert await stage.look(ONE) == []
    assert await stage.look(ONE, after_s=REFUSED_AGAIN_S) == ["deploy one"]


async def test_a_policy_that_somebody_changes_again_and_again_is_open_for_half_a_minute_at_most(stage: Stage) -> None:
    await stage.look(ONE)
    stage.cluster.open, stage.cluster.stays_open = "networkpolicies/akash-deployment-restrictions was changed", True
    mended = [stage.now_s]
    for _ in range(24 * 360):
        if await stage.look(ONE, after_s=10):
            mended.append(stage.now_s)
    assert max(later - earlier for earlier, later in pairwise(mended)) <= OPEN_S
    assert stage.cluster.done.count("deploy one") < 40, "all the rest is left for longer and longer"


async def test_what_the_mirrors_may_not_show_yet_is_not_mended(stage: Stage) -> None:
    await stage.look(ONE)
    stage.cluster.open = "no namespace"
    assert await stage.look(ONE, after_s=1) == []
    assert stage.asked[-1] == SHOWN_AFTER_S
    stage.cluster.fresh = False
    assert await stage.look(ONE) == []
    stage.cluster.fresh = True
    assert await stage.look(ONE) == ["deploy one"]
