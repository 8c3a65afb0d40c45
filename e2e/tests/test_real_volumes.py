"""Persistent volumes on a real node when something goes wrong with a pod, and when their lease is over.

Kubernetes' StatefulSet waits for ever for a pod of its old template that will never be ready (support#82), and for one
that does not go; the daemon helps with the first after two minutes and tells of the second after ten, which are seconds
here.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import Cluster, images
from e2e.lives import PATIENCE_S, Lived, Plan, Visit, example, live
from manifests.ids import LeaseID
from provider.cluster.api.kinds import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, POD
from provider.cluster.health import litter
from provider.cluster.objects.retained import UNTIL, retained
from provider.errors import NotFound
from provider.market.leases import cleanup
from provider.sandbox.network import Network

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
DB = example("03")
DEAF = DB.replace(b"    expose:", b"    args: [\"trap '' TERM; /bin/serve & while :; do sleep 1; done\"]\n"
                  b"    command: [sh, -c]\n    expose:")  # fmt: skip
"""Its first process does not hear that it is to end; it is killed when its thirty seconds are over."""
BROKEN = DB.replace(b"library/db:1", b"library/nosuch:1")
BLUE = DB.replace(b"    expose:", b"    env: [COLOR=blue]\n    expose:")
FINALIZER = "example.com/held"


async def hangs(visit: Visit) -> dict[str, Any]:
    """An image that is not there comes by one manifest and goes by the next."""
    first = await _starts(visit, 1)
    await visit.update(BROKEN)
    broken = await visit.until("the pod without an image", lambda: _waiting(visit))
    await visit.update(BLUE)
    starts = await _starts(visit, 2)
    cleaned = await visit.gauge("akp_cleaned_total", what="hanging-pod")
    return {
        "first": first, "starts": starts, "cleaned": cleaned, "color": await visit.said("db", "echo $COLOR"),
        "pods": (broken["metadata"]["uid"], (await _ready_pod(visit))["metadata"]["uid"]),
    }  # fmt: skip


async def is_held(visit: Visit) -> dict[str, Any]:
    """Somebody's finalizer keeps a pod whose successor is due."""
    first = await _starts(visit, 1)
    held = await _ready_pod(visit)
    name = held["metadata"]["name"]
    await visit.net.kube.patch(POD, visit.namespace, name, {"metadata": {"finalizers": [FINALIZER]}})
    await visit.update(BLUE)

    async def told() -> bool:
        return await visit.gauge("akp_stuck", kind="pod") == 1

    await visit.until("the pod to be told of", told)
    still = await visit.net.kube.get(POD, visit.namespace, name)
    await visit.net.kube.patch(POD, visit.namespace, name, {"metadata": {"finalizers": None}})
    starts = await _starts(visit, 2)
    same = still["metadata"]["uid"] == held["metadata"]["uid"]
    return {"first": first, "starts": starts, "left alone": same, "color": await visit.said("db", "echo $COLOR")}


class Kept:
    """A volume outlives its lease, is given to the tenant's next one and outlives that too, until its time is over."""

    def __init__(self) -> None:
        self.name, self.path, self.owners = "", Path(), list[LeaseID]()
        self.row: dict[str, Any] = {}

    async def first(self, visit: Visit) -> dict[str, Any]:
        starts = await _starts(visit, 1)
        (claim,) = await visit.net.kube.all(PERSISTENT_VOLUME_CLAIM, visit.namespace)
        self.name = claim["spec"]["volumeName"]
        self.path = Path((await self._volume(visit.net))["spec"]["hostPath"]["path"])
        return {"starts": starts}

    async def is_kept(self, net: Network) -> None:
        await self._released_by(net, 1)
        rows = json.loads(await _akp(net, "volumes", "list", "--output", "json"))
        self.row = next(row for row in rows if row["volume"] == self.name)

    async def won(self, net: Network, lease: LeaseID) -> None:
        self.owners.append(lease)

    async def given(self, net: Network, lease: LeaseID) -> None:
        self.owners.append(lease)
        await _akp(net, "volumes", "release", self.name, str(lease))

    async def second(self, visit: Visit) -> dict[str, Any]:
        return {"starts": await _starts(visit, 2), "row": self.row}

    async def third(self, visit: Visit) -> dict[str, Any]:
        """A lease beside them that stays until the end of the volume."""
        await self._released_by(visit.net, 2)
        there = (self.path / "starts").read_text().splitlines()
        over = {"metadata": {"annotations": {UNTIL: str(int(time.time()) - 1)}}}
        await visit.net.kube.patch(PERSISTENT_VOLUME, None, self.name, over)

        async def gone() -> bool:
            try:
                await self._volume(visit.net)
            except NotFound:
                return True
            return False

        await visit.until("the end of the volume", gone)
        cleaned = await visit.gauge("akp_cleaned_total", what="retained-volume")
        return {"there": there, "left": self.path.exists(), "cleaned": cleaned}

    async def _released_by(self, net: Network, lease: int) -> None:
        """The lease of that number has given it up and is gone."""

        async with asyncio.timeout(PATIENCE_S):
            while True:
                if len(self.owners) >= lease and self.name:
                    found = retained(await self._volume(net))
                    if found.released and found.lease == self.owners[lease - 1]:
                        return
                await asyncio.sleep(0.2)

    async def _volume(self, net: Network) -> dict[str, Any]:
        return await net.kube.get(PERSISTENT_VOLUME, None, self.name)


@pytest.fixture(scope="module")
def lived(
    kubelet_cluster_with: Callable[..., Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Mapping[str, Lived]]:
    cluster = kubelet_cluster_with("dns", "ingress", "volumes")
    cluster.load(images.web("docker.io/library/db:1"))
    kept = Kept()
    plans = {
        "hangs": Plan(DEAF, hangs),
        "is held": Plan(DB, is_held),
        "first": Plan(DB, kept.first, leased=kept.won),
        "second": Plan(DB, kept.second, begin=kept.is_kept, leased=kept.given),
        "third": Plan(example("01"), kept.third),
    }
    site = {"retain_volumes_h": 1, "overcommit_cpu_percent": 300}
    with pytest.MonkeyPatch.context() as sooner:
        sooner.setattr(litter, "HANGING_S", 10)
        sooner.setattr(litter, "POD_GONE_S", 0)
        sooner.setattr(cleanup, "LOOK_S", 3.0)
        yield asyncio.run(live(cluster, tmp_path_factory.mktemp("volumes"), plans, site))


def test_an_update_goes_through_where_a_broken_pod_is_in_its_way(lived: Mapping[str, Lived]) -> None:
    seen = lived["hangs"].seen
    broken, now = seen["pods"]
    assert broken != now
    assert seen["color"] == "blue\n"
    assert seen["cleaned"] == 1, "Kubernetes left it there"


def test_a_pod_that_does_not_go_is_told_and_not_forced(lived: Mapping[str, Lived]) -> None:
    seen = lived["is held"].seen
    assert seen["left alone"]
    assert seen["color"] == "blue\n"


@pytest.mark.parametrize("name", ["hangs", "is held"])
def test_what_was_written_is_kept(lived: Mapping[str, Lived], name: str) -> None:
    seen = lived[name].seen
    assert seen["starts"][:1] == seen["first"]
    assert len(seen["starts"]) == 2


def test_a_volume_outlives_its_lease_and_is_listed(lived: Mapping[str, Lived]) -> None:
    (lease,) = lived["first"].timeline["lease"]["leases"]
    row = lived["second"].seen["row"]
    assert (row["lease"], row["claim"], row["class"], row["phase"]) == (lease, "db-data-db-0", "beta2", "Released")


def test_the_tenants_next_lease_finds_its_data(lived: Mapping[str, Lived]) -> None:
    first, second = lived["first"].seen["starts"], lived["second"].seen["starts"]
    assert second[:1] == first
    assert len(second) == 2


def test_when_its_time_is_over_volume_and_data_are_gone(lived: Mapping[str, Lived]) -> None:
    seen = lived["third"].seen
    assert seen["there"] == lived["second"].seen["starts"]
    assert seen["cleaned"] >= 1
    assert not seen["left"]


@pytest.mark.parametrize("name", ["hangs", "is held", "first", "second", "third"])
def test_each_life_ends_with_the_same_money_on_chain_and_in_the_books(lived: Mapping[str, Lived], name: str) -> None:
    settled = lived[name].timeline["settled"]
    assert settled["amount"] == settled["ledger"] > 0


async def _starts(visit: Visit, count: int) -> list[str]:
    """The lines of the volume, one for each start of a pod, once there are so many."""
    host = await visit.host("db")

    async def so_many() -> list[str] | None:
        found = (await visit.page(host, "/cgi-bin/data")).splitlines()
        return found if len(found) >= count else None

    return await visit.until(f"{count} starts", so_many)


async def _ready_pod(visit: Visit) -> dict[str, Any]:
    (pod,) = await visit.pods("db")
    return pod


async def _waiting(visit: Visit) -> dict[str, Any] | None:
    """A pod whose image cannot be had."""
    for pod in await visit.net.kube.all(POD, visit.namespace):
        for container in pod["status"].get("containerStatuses") or ():
            if "Image" in (container["state"].get("waiting") or {}).get("reason", ""):
                return pod
    return None


async def _akp(net: Network, *arguments: str) -> str:
    command = [sys.executable, "-m", "provider", *arguments, "--config", str(net.settings.data / "akp.yaml")]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)
