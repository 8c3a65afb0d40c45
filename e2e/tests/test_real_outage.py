"""The API server of a real cluster is away while four leases live on it, frozen first and killed after that: what runs
goes on running, what was to be done meanwhile is done once it is back, and nobody pays for it with his lease.

Minutes are cut, not what happens in them. A call waits 5 s for its answer then and not 30 s, so calls die while the
server is frozen; watches do not, nor do they in the first two minutes otherwise (what ends them then is told in
tests/provider/cluster/api). While it is killed watches break and mirrors come to long pauses between two tries; after
it they have to list anew, since a new server keeps no old versions. The chain counts each block of half a second as
six, so leases see an outage of fifteen minutes: longer than a manifest is waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import pytest

from e2e.cluster import Cluster, images
from e2e.cluster.outage import frozen, killed
from e2e.lives import PATIENCE_S, Lived, Plan, Visit, example, live
from manifests.ids import LeaseID
from provider.cluster.api import kube
from provider.cluster.api.kinds import NETWORK_POLICY, POD
from provider.cluster.api.times import unix_s
from provider.sandbox.network import Network

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
CALL_S = 5.0
FROZEN_S, KILLED_S = 3 * CALL_S, 60.0
MANIFEST_S = 600
"""of the chain's: fifty seconds of ours, or a hundred blocks"""
API_SERVER = "kube-apiserver"
LATE_BLOCKS = 8
"""Of the hundred that a manifest is waited for."""
BLUE = example("03").replace(b"    expose:", b"    env: [COLOR=blue]\n    expose:")
PRICED_CPU = 100
"""thousandths, of example 01"""


class Story:
    """The four visits, and what they wait for of each other."""

    def __init__(self) -> None:
        self.there, self.ending = asyncio.Barrier(3), list[LeaseID]()
        self.away, self.leased, self.back, self.served = (asyncio.Event() for _ in range(4))

    async def stands(self, visit: Visit) -> dict[str, Any]:
        """A lease that lives all through it. It also brings the outage about."""
        host = await visit.host("web")
        await asyncio.wait_for(self.there.wait(), PATIENCE_S)
        before, free = await visit.until("its objects", lambda: _state(visit)), await _free_cpu(visit)
        began = (await visit.net.chain.head()).height
        with pytest.MonkeyPatch.context() as shorter:
            shorter.setattr(kube, "CALL_S", CALL_S)
            pages = [
                await self._outage(visit, frozen(visit.cluster, API_SERVER), FROZEN_S, host),
                await self._outage(visit, killed(visit.cluster, API_SERVER), KILLED_S, host),
            ]
        ended = (await visit.net.chain.head()).height
        await visit.until("the daemon to see the cluster again", lambda: _is_fresh(visit))
        self.back.set()
        found = [await _free_cpu(visit)]
        async with asyncio.timeout(PATIENCE_S):
            while not self.served.is_set():
                await asyncio.sleep(0.2)
                found.append(await _free_cpu(visit))
        return {
            "blocks": (began, ended), "pages": pages, "free": free, "free after": found,
            "before": before, "after": await visit.until("its objects", lambda: _state(visit)),
            "state": await _on_chain(visit),
        }  # fmt: skip

    async def _outage(self, visit: Visit, outage: AbstractContextManager[None], least_s: float, host: str) -> str:
        """What the world gets of a page during it. It goes on until the new lease is there and the old one closed."""

        async def closed() -> bool:
            (ending,) = self.ending
            return not (await visit.net.chain.latest.lease(ending)).live

        await asyncio.to_thread(outage.__enter__)
        try:
            self.away.set()
            await asyncio.sleep(least_s)
            await asyncio.wait_for(self.leased.wait(), PATIENCE_S)
            await visit.until("the other lease to be closed", closed)
            return await visit.page(host)
        finally:
            await asyncio.to_thread(outage.__exit__, None, None, None)

    async def ends(self, visit: Visit) -> dict[str, Any]:
        """One that its tenant closes during the outage."""
        self.ending.append(visit.lease)
        await asyncio.wait_for(self.there.wait(), PATIENCE_S)
        await asyncio.wait_for(self.away.wait(), PATIENCE_S)
        return {}

    async def changes(self, visit: Visit) -> dict[str, Any]:
        """One whose tenant sends another manifest during the outage, until it is taken."""
        host = await visit.host("db")
        await asyncio.wait_for(self.there.wait(), PATIENCE_S)
        await asyncio.wait_for(self.away.wait(), PATIENCE_S)
        await visit.update(BLUE)

        async def second() -> list[str] | None:
            starts = (await visit.page(host, "/cgi-bin/data")).splitlines()
            return starts if len(starts) > 1 else None

        starts = await visit.until("a second start", second)
        color = await visit.said("db", "echo $COLOR")
        return {"starts": starts, "color": color, "state": await _on_chain(visit)}

    async def begin(self, net: Network) -> None:
        await asyncio.wait_for(self.away.wait(), PATIENCE_S)

    async def won(self, net: Network, lease: LeaseID) -> None:
        """Its tenant is no machine: the manifest comes some blocks after it could be taken again."""
        self.leased.set()
        await asyncio.wait_for(self.back.wait(), PATIENCE_S)
        back = (await net.chain.head()).height
        while True:
            if (await net.chain.head()).height >= back + LATE_BLOCKS:
                return
            await asyncio.sleep(0.2)

    async def begins(self, visit: Visit) -> dict[str, Any]:
        """One that was ordered and won during the outage."""
        page = await visit.page(await visit.host("web"))
        policies = await visit.until("its policies", lambda: visit.net.kube.all(NETWORK_POLICY, visit.namespace))
        (pod,) = await visit.pods("web")
        self.served.set()
        isolated = [unix_s(policy["metadata"]["creationTimestamp"]) for policy in policies]
        made = unix_s(pod["metadata"]["creationTimestamp"])
        return {"page": page, "isolated": isolated, "made": made, "state": await _on_chain(visit)}


@pytest.fixture(scope="module")
def lived(
    kubelet_cluster_with: Callable[..., Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Lived]:
    cluster = kubelet_cluster_with("dns", "ingress", "volumes")
    cluster.load(images.web("docker.io/library/db:1"))
    story = Story()
    plans = {
        "stands": Plan(example("01"), story.stands),
        "ends": Plan(example("01"), story.ends),
        "changes": Plan(example("03"), story.changes),
        "begins": Plan(example("01"), story.begins, begin=story.begin, leased=story.won),
    }
    patience = {"manifest_timeout_s": MANIFEST_S}
    return asyncio.run(live(cluster, tmp_path_factory.mktemp("outage"), plans, lease=patience))


def test_what_runs_goes_on_and_is_reached(lived: Mapping[str, Lived]) -> None:
    seen = lived["stands"].seen
    assert seen["pages"] == ["hello\n", "hello\n"]
    assert seen["after"] == seen["before"], "not one pod started anew, not one policy made anew"


@pytest.mark.parametrize("name", ["stands", "changes", "begins"])
def test_no_lease_is_closed_for_it(lived: Mapping[str, Lived], name: str) -> None:
    assert lived[name].seen["state"] == "active"


@pytest.mark.parametrize("name", ["stands", "ends", "changes", "begins"])
def test_each_life_ends_with_the_same_money_on_chain_and_in_the_books(lived: Mapping[str, Lived], name: str) -> None:
    settled = lived[name].timeline["settled"]
    assert settled["amount"] == settled["ledger"] > 0


def test_the_chain_went_on_meanwhile(lived: Mapping[str, Lived]) -> None:
    began, ended = lived["stands"].seen["blocks"]
    closed, leased = lived["ends"].timeline["closed"]["height"], lived["begins"].timeline["lease"]["height"]
    assert began <= closed <= ended
    assert began <= leased <= ended


def test_a_lease_that_was_closed_meanwhile_is_gone_afterwards(lived: Mapping[str, Lived]) -> None:
    assert lived["ends"].timeline["clean"]["height"] > lived["stands"].seen["blocks"][1]


def test_a_lease_that_was_won_meanwhile_is_served_and_isolated_before_it_runs(lived: Mapping[str, Lived]) -> None:
    seen = lived["begins"].seen
    assert seen["page"] == "hello\n"
    assert seen["isolated"]
    assert max(seen["isolated"]) <= seen["made"]


def test_a_manifest_sent_meanwhile_is_deployed_and_the_volume_kept(lived: Mapping[str, Lived]) -> None:
    seen = lived["changes"].seen
    assert seen["color"] == "blue\n"
    assert len(seen["starts"]) == 2


def test_what_is_free_is_right_at_once(lived: Mapping[str, Lived]) -> None:
    """One lease went and one of its size came: until the one is gone both are counted, and nothing is counted twice."""
    seen = lived["stands"].seen
    assert set(seen["free after"]) <= {seen["free"], seen["free"] - PRICED_CPU}


async def _state(visit: Visit) -> dict[str, Any]:
    """Each container and each policy of the lease, by what changes when it is another."""
    pods = await visit.net.kube.all(POD, visit.namespace)
    policies = await visit.net.kube.all(NETWORK_POLICY, visit.namespace)
    containers = [status for pod in pods for status in pod["status"]["containerStatuses"]]
    return {
        "containers": {(each["containerID"], each["restartCount"]) for each in containers},
        "policies": {(each["metadata"]["uid"], each["metadata"]["generation"]) for each in policies},
    }


async def _on_chain(visit: Visit) -> str:
    return (await visit.until("the lease", lambda: visit.net.chain.latest.lease(visit.lease))).state


async def _is_fresh(visit: Visit) -> bool:
    return await visit.gauge("akp_mirror_fresh") == 1


async def _free_cpu(visit: Visit) -> int:
    """Thousandths, of the only node."""
    (node,) = (await visit.until("status", visit.gateway.status))["cluster"]["inventory"]["available"]["nodes"]
    return int(node["available"]["cpu"])
