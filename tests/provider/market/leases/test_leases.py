"""A lease's life with us, in plays over a real book and room; chain and cluster are in memory."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from bidengine.commit import Commit
from bidengine.node import Inventory, Node
from bidengine.room import HoldState, Room
from bidengine.views import Lease, Reclamation
from manifests.ids import LeaseID
from manifests.manifest import ManifestGroup
from manifests.render.crd import StoredManifest
from provider.chain.messages import CloseBid, Msg, StartReclaim
from provider.cluster.health.causes import Cause
from provider.cluster.health.litter import Litter, Stuck
from provider.cluster.health.workloads import ServiceHealth
from provider.cluster.leasefacts import LeaseFacts
from provider.errors import Blame, NotFound, Refused, Retry, TxRefused, Unreachable
from provider.market.book import Book
from provider.market.leases.leases import Leases
from provider.market.leases.problem import Problem
from provider.settings import LeaseSettings
from provider.tasks import spawn, work

US = "akash1us"
TIMEOUT_BLOCKS = 50
"""300 s of 6 s blocks"""


@dataclass
class MemoryCluster:
    """Manifests and namespaces by lease; what was done is written down. `answer` is raised instead of doing."""

    stored: dict[LeaseID, StoredManifest] = field(default_factory=dict)
    spaces: set[LeaseID] = field(default_factory=set)
    done: list[str] = field(default_factory=list)
    answer: Exception | None = None
    makes_namespace: bool = True
    fresh: bool = True
    deleted: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    """policies that were deleted or changed"""
    nodes_out: int = 0
    services: dict[str, ServiceHealth] = field(default_factory=dict)
    unread: set[LeaseID] = field(default_factory=set)
    """manifests the mirrors do not show"""
    outdated_: set[LeaseID] = field(default_factory=set)
    """deployed on what has changed since"""
    silent: bool = False
    """the API server is away"""
    lingers: bool = False
    """namespaces take their time to go"""

    def leases(self) -> dict[LeaseID, StoredManifest]:
        return self.stored

    def namespaces(self) -> set[LeaseID]:
        return self.spaces

    def traces(self) -> set[LeaseID]:
        return {*self.stored, *self.spaces}

    def amiss(self, lease: LeaseID) -> str:
        return self.unshielded(lease) or ", ".join(self.deleted)

    def is_update(self, lease: LeaseID, revision: str) -> bool:
        return False

    def outdated(self, lease: LeaseID) -> bool:
        return lease in self.outdated_

    def facts(self, lease: LeaseID) -> LeaseFacts:
        return LeaseFacts(lease, self.stored.get(lease), services=self.services)

    async def has_manifest(self, lease: LeaseID) -> bool:
        if self.silent:
            raise Unreachable("GET …/manifests: no answer")
        return lease in self.unread

    def litter(self, lease: LeaseID, now_unix_s: int) -> list[Litter]:
        return []

    def stuck(self, now_unix_s: int) -> list[Stuck]:
        return []

    async def discard(self, litter: Litter) -> None:
        raise AssertionError(litter)

    def expired(self, now_unix_s: int) -> list[str]:
        return []

    async def discard_volume(self, name: str) -> None:
        raise AssertionError(name)

    def health(self, lease: LeaseID) -> dict[str, ServiceHealth]:
        return self.services

    def unshielded(self, lease: LeaseID) -> str:
        return ", ".join(self.opened) if lease in self.spaces else "no namespace"

    async def shield(self, lease: LeaseID, group: ManifestGroup, plan: Any, revision: str) -> None:
        self.done.append(f"shield {group.name} {revision}")

    async def deploy(
        self, lease: LeaseID, group: ManifestGroup, plan: Any, revision: str, *, update: bool = False
    ) -> None:
        self.done.append(f"{'update' if update else 'deploy'} {group.name} {revision}")
        if self.makes_namespace:
            self.spaces.add(lease)
        if self.answer is not None:
            raise self.answer

    async def teardown(self, lease: LeaseID) -> bool:
        self.done.append("teardown")
        if self.answer is not None:
            raise self.answer
        if not self.lingers:
            self.stored.pop(lease, None)
            self.spaces.discard(lease)
        return not self.lingers


@dataclass
class Play:
    chain: Any
    book: Book
    cluster: MemoryCluster = field(default_factory=MemoryCluster)
    sent: list[Msg] = field(default_factory=list)
    no: Exception | None = None
    silence: Exception | None = None
    lag_s: float = 0.0
    """age of the last block"""

    def __post_init__(self) -> None:
        self.room = Room(Commit())
        self.room.see(Inventory((Node("n1", 1000, 4 << 30, 64 << 30),), node_ports=10))
        settings = LeaseSettings(manifest_timeout_s=300)
        self.leases = Leases(
            self.book, self.room, self.cluster, self.send, self.on_chain, settings, lambda: 6000,
            lambda: self.book.time_unix_ns / 1e9 + self.lag_s,
        )  # fmt: skip

    async def send(self, msg: Msg) -> str:
        if self.no is not None:
            raise self.no
        self.sent.append(msg)
        return "HASH"

    async def on_chain(self, lease: LeaseID) -> Lease:
        if self.silence is not None:
            raise self.silence
        found: Lease = await self.chain.lease(lease)
        return found

    async def won(self, *, at: int = 3, **changes: Any) -> LeaseID:
        """A lease that has just been seen."""
        lease: LeaseID = self.chain.add_lease(self.chain.add_order(1), at=at)
        self.chain.leases_[lease] = replace(self.chain.leases_[lease], **changes)
        self.book.leases[lease] = self.chain.leases_[lease]
        self.book.orders[lease.order] = self.chain.orders_[lease.order]
        await self.leases.handle(lease)
        return lease

    async def manifest(self, lease: LeaseID, name: str = "one") -> None:
        self.cluster.stored[lease] = StoredManifest(lease, ManifestGroup(name, ()), {})
        await self.leases.handle(lease)

    async def at(self, height: int) -> None:
        """A block goes by, and what it makes due is done."""
        self.book.height = height
        self.leases.tick(height)
        while self.leases.queue._waiting:
            key = await self.leases.queue.get()
            try:
                await self.leases.handle(key)
            finally:
                self.leases.queue.done(key)

    def over(self, lease: LeaseID) -> None:
        """The lease's last block has been seen."""
        self.chain.leases_[lease] = replace(self.chain.leases_[lease], state="closed", closed_on=9)
        self.book.leases.pop(lease, None)


@pytest.fixture
async def play(chain: Any) -> Play:
    return Play(chain, await Book.load(chain, US, 3, 30))


# Waiting for the manifest.


async def test_a_lease_won_has_its_room_and_waits(play: Play) -> None:
    lease = await play.won()
    assert play.room.holds[lease.order].state is HoldState.LEASED
    assert play.cluster.done == []
    await play.at(3 + TIMEOUT_BLOCKS - 1)
    assert play.sent == []


async def test_a_lease_without_a_manifest_is_closed_in_time_and_closed_again_if_that_got_lost(play: Play) -> None:
    lease = await play.won()
    await play.at(3 + TIMEOUT_BLOCKS)
    assert play.sent == [CloseBid(lease, 10003)]
    await play.at(3 + TIMEOUT_BLOCKS + 1)
    assert len(play.sent) == 1, "its block is awaited first"
    await play.at(3 + TIMEOUT_BLOCKS + 20)
    assert len(play.sent) == 2


async def test_patience_is_counted_from_the_lease_not_from_our_start(play: Play) -> None:
    play.book.height = 500
    lease = await play.won(at=3)
    assert play.sent == [CloseBid(lease, 10003)]


async def test_nobody_is_closed_for_a_manifest_that_could_not_be_seen(play: Play) -> None:
    play.book.height, play.cluster.fresh = 500, False
    await play.won()
    assert play.sent == []


@pytest.mark.parametrize("noticed", [True, False], ids=["mirrors are behind", "only a call goes unanswered"])
async def test_patience_begins_anew_when_the_cluster_can_take_a_manifest_again(play: Play, noticed: bool) -> None:
    lease = await play.won()
    play.cluster.fresh, play.cluster.silent = not noticed, not noticed
    back = 3 + 4 * TIMEOUT_BLOCKS
    for height in range(4, back + 1):
        with suppress(Retry):
            await play.at(height)
    play.cluster.fresh, play.cluster.silent = True, False
    await play.at(back + 1)
    assert play.sent == [], "its tenant could not send it"
    await play.at(back + TIMEOUT_BLOCKS)
    assert play.sent == [CloseBid(lease, 10003)]


async def test_patience_does_not_run_through_an_outage_of_the_nodes_nor_its_catching_up(play: Play) -> None:
    """Ten minutes of silence; a lease is won in the first block of it, and a hundred blocks arrive at once."""
    play.book.height, play.lag_s = 4, 594
    lease = await play.won(at=4)
    for height in range(5, 104):
        play.book.height = height
        play.lag_s -= 6
        await play.leases.handle(lease)  # before the block's tick, as a worker may
        await play.at(height)
    assert play.lag_s == 0
    assert play.sent == [], "until now the gateway did not know of the lease"
    await play.at(103 + TIMEOUT_BLOCKS - 1)
    assert play.sent == []
    await play.at(103 + TIMEOUT_BLOCKS)
    assert play.sent == [CloseBid(lease, 10003)]


async def test_nobody_is_closed_whose_manifest_only_the_mirrors_do_not_show(play: Play) -> None:
    lease = await play.won()
    play.cluster.unread.add(lease)
    with pytest.raises(Retry):
        await play.at(3 + TIMEOUT_BLOCKS)
    assert play.sent == []


async def test_no_timeout_no_closing(chain: Any) -> None:
    play = Play(chain, await Book.load(chain, US, 3, 30))
    play.leases.settings = LeaseSettings(manifest_timeout_s=0)
    await play.won()
    await play.at(10**6)
    assert play.sent == []


async def test_a_manifest_in_time_ends_the_waiting(play: Play) -> None:
    lease = await play.won()
    await play.manifest(lease)
    await play.at(3 + 2 * TIMEOUT_BLOCKS)
    assert play.sent == []


async def test_a_lease_that_was_promised_notice_is_given_it(play: Play) -> None:
    lease = await play.won(reclamation=Reclamation(3600, 0, 0))
    await play.at(3 + TIMEOUT_BLOCKS)
    assert play.sent == [StartReclaim(lease, 10003)]
    play.book.leases[lease] = replace(
        play.book.leases[lease], state="reclaiming", reclamation=Reclamation(3600, 53, 5000)
    )
    play.book.time_unix_ns = 4999 * 10**9
    await play.at(3 + TIMEOUT_BLOCKS + 20)
    assert len(play.sent) == 1, "notice has been given and is not over"
    play.book.time_unix_ns = 5000 * 10**9
    await play.at(3 + TIMEOUT_BLOCKS + 40)
    assert play.sent[1:] == [CloseBid(lease, 10003)]


async def test_a_closing_the_chain_refuses_is_no_reason_to_fail(play: Play) -> None:
    play.no = TxRefused("market", 24, "order closed")
    await play.won()
    await play.at(3 + TIMEOUT_BLOCKS)
    assert play.sent == []


async def test_a_lease_that_runs_is_not_closed_for_a_manifest_that_somebody_deleted(play: Play) -> None:
    lease = await play.won()
    await play.manifest(lease)
    stored = play.cluster.stored.pop(lease)
    await play.leases.handle(lease)
    await play.at(3 + 10 * TIMEOUT_BLOCKS)
    assert play.sent == []
    assert "send it again" in play.leases.problems[lease].why
    play.cluster.stored[lease] = stored
    await play.leases.handle(lease)
    assert play.leases.problems == {}


# On the cluster.


async def test_each_manifest_is_deployed_once(play: Play) -> None:
    lease = await play.won()
    await play.manifest(lease)
    await play.manifest(lease)
    assert len(play.cluster.done) == 1
    await play.manifest(lease, "two")
    assert [text.split()[1] for text in play.cluster.done] == ["one", "two"]
    assert len({text.split()[2] for text in play.cluster.done}) == 2, "another manifest is another revision"


@pytest.mark.parametrize("what", ["namespace", "workload"])
async def test_what_somebody_deleted_is_made_again(play: Play, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = await play.won()
    await play.manifest(lease)
    if what == "namespace":
        play.cluster.spaces.clear()
    else:
        play.cluster.deleted.add("web")
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 1, "the mirrors may only need a moment to show it"
    monkeypatch.setattr("provider.market.leases.deployments.SHOWN_AFTER_S", 0)
    play.cluster.fresh = False
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 1, "what stale mirrors do not show is not missing"
    play.cluster.fresh = True
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 2


async def test_a_change_that_comes_back_at_once_is_undone_less_and_less_often(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.market.leases.deployments.SHOWN_AFTER_S", 0)
    now = 1e6
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now)
    lease = await play.won()
    await play.manifest(lease)
    play.cluster.deleted.add("services/web was changed")
    deploys = []
    for hour in range(24):
        before = len(play.cluster.done)
        for _ in range(360):
            now += 10
            await play.leases.handle(lease)
        deploys.append(len(play.cluster.done) - before)
        assert len(play.leases.queue._timers) <= sum(deploys), hour
    assert deploys[0] <= 10
    assert set(deploys[2:]) == {1}, "once an hour, for ever"
    play.cluster.deleted.clear()
    now += 7201
    play.cluster.deleted.add("services/web was changed")
    before = len(play.cluster.done)
    await play.leases.handle(lease)
    assert len(play.cluster.done) == before + 1, "it had stood, so it is undone at once"


async def test_what_would_be_rendered_otherwise_by_now_is_deployed_again(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provider.market.leases.deployments.SHOWN_AFTER_S", 0)
    lease = await play.won()
    await play.manifest(lease)
    assert len(play.cluster.done) == 1
    play.cluster.outdated_.add(lease)
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 2
    play.cluster.outdated_.clear()
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 2
    play.cluster.deleted.add("services/web was changed")
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 3, "that was nobody's change, so the first of somebody is undone at once"


async def test_patience_does_not_run_while_nobody_was_there_to_take_the_manifest(play: Play) -> None:
    lease = await play.won(at=3)
    play.leases.since_height = 1000
    play.book.height = 1000 + TIMEOUT_BLOCKS - 1
    await play.leases.handle(lease)
    assert play.sent == []
    play.book.height += 1
    await play.leases.handle(lease)
    assert play.sent == [CloseBid(lease, 10003)]


@pytest.mark.parametrize("makes_namespace", [True, False], ids=["half way", "at the first object"])
async def test_a_manifest_the_cluster_refuses_is_told_and_not_tried_again(play: Play, makes_namespace: bool) -> None:
    play.cluster.answer = Refused("mountPath: Required value (422)", blame=Blame.TENANT)
    play.cluster.makes_namespace = makes_namespace
    lease = await play.won()
    await play.manifest(lease)
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 1
    assert play.leases.problems == {lease: Problem("mountPath: Required value (422)", Blame.TENANT)}
    play.cluster.answer = None
    await play.manifest(lease, "two")
    assert len(play.cluster.done) == 2
    assert play.leases.problems == {}


async def test_what_a_quota_refuses_is_told_and_tried_again(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    play.cluster.answer = Refused("pods is forbidden: exceeded quota (403)", blame=Blame.CLUSTER)
    lease = await play.won()
    await play.manifest(lease)
    assert "exceeded quota" in play.leases.problems[lease].why
    play.cluster.answer = None
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 1, "a pod's word is no reason to try again"
    now_s = asyncio.get_running_loop().time()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: now_s + 60)
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 2
    assert play.leases.problems == {}


async def test_a_tenant_who_sends_the_refused_manifest_again_is_given_another_try(play: Play) -> None:
    play.cluster.answer = Refused("services: mountPath is used twice", blame=Blame.TENANT)
    lease = await play.won()
    await play.manifest(lease)
    play.cluster.answer = None
    play.leases.deploy_again([lease])
    await play.at(4)
    assert len(play.cluster.done) == 2
    assert play.leases.problems == {}


async def test_trouble_with_the_api_server_is_tried_again(play: Play) -> None:
    play.cluster.answer = Retry("the API server answers 503")
    lease = await play.won()
    with pytest.raises(Retry):
        await play.manifest(lease)
    play.cluster.answer = None
    await play.leases.handle(lease)
    assert len(play.cluster.done) == 2
    assert play.leases.problems == {}


# In trouble.


async def unwell(play: Play, **changes: Any) -> LeaseID:
    """A lease whose image is not there, watched for a day of blocks but one."""
    lease = await play.won(**changes)
    play.cluster.services = {"web": ServiceHealth(0, 1, "web-0: ErrImagePull", Cause.IMAGE_PULL)}
    await play.manifest(lease)
    for _ in range(86_400 // 60 - 1):
        play.book.time_unix_ns += 60 * 10**9
        play.leases.tick(play.book.height)
    return lease


async def test_a_lease_in_trouble_of_its_own_is_closed_after_its_grace_and_again_if_that_got_lost(play: Play) -> None:
    lease = await unwell(play)
    assert play.sent == []
    for _ in range(3):
        play.book.time_unix_ns += 60 * 10**9
        await play.at(play.book.height + 1)
    assert play.sent == [CloseBid(lease, 10000)]
    await play.at(play.book.height + 20)
    assert len(play.sent) == 2


async def test_a_lease_in_trouble_that_was_promised_notice_is_given_it(play: Play) -> None:
    lease = await unwell(play, reclamation=Reclamation(3600, 0, 0))
    play.book.time_unix_ns += 60 * 10**9
    await play.at(play.book.height + 1)
    assert play.sent == [StartReclaim(lease, 10000)]


async def test_d13_what_cannot_be_seen_closes_nobody(play: Play) -> None:
    """product.md D13, support#245: the API server is down when the grace would be over."""
    await unwell(play)
    play.cluster.fresh = False
    for _ in range(3):
        play.book.time_unix_ns += 60 * 10**9
        await play.at(play.book.height + 1)
    assert play.sent == []


async def test_leases_are_counted_by_condition_and_by_what_ails_them(play: Play) -> None:
    await unwell(play)
    found = {(name, *labels.values()): n for name, labels, n in play.leases.gauges()}
    assert found["akp_leases_unwell", "image-pull", "tenant"] == 1
    assert found["akp_lease_conditions", "Accepted", "True"] == 1
    assert found["akp_lease_conditions", "Healthy", "False"] == 1


# The end.


async def test_a_lease_that_is_over_is_torn_down_and_its_room_free(play: Play) -> None:
    lease = await play.won()
    await play.manifest(lease)
    play.over(lease)
    await play.leases.handle(lease)
    assert play.cluster.done[1:] == ["teardown"]
    assert lease.order not in play.room.holds
    await play.leases.handle(lease)
    assert play.cluster.done[1:] == ["teardown"], "nothing is left, nothing is done"


@pytest.mark.parametrize(
    ("silence", "raised"),
    [(None, Retry), (Unreachable("no node answers"), Unreachable), (Retry("the node lags"), Retry)],
    ids=["the chain says it lives", "nobody answers", "an old answer"],
)
async def test_nothing_is_torn_down_without_evidence(
    play: Play, silence: Exception | None, raised: type[Exception]
) -> None:
    """support#245: an outage must not close leases."""
    lease = await play.won()
    await play.manifest(lease)
    play.book.leases.clear()
    play.silence = silence
    with pytest.raises(raised):
        await play.leases.handle(lease)
    assert "teardown" not in play.cluster.done
    assert lease.order in play.room.holds
    waiting = ("akp_leases_over_unconfirmed", {}, 1)
    assert waiting in play.leases.gauges(), "what waits for a node that never answers is counted"
    play.silence = None
    play.over(lease)
    await play.leases.handle(lease)
    assert play.cluster.done[1:] == ["teardown"]
    assert waiting not in play.leases.gauges()


async def test_a_lease_the_chain_does_not_know_is_left_alone(play: Play) -> None:
    lease = await play.won()
    await play.manifest(lease)
    play.book.leases.clear()
    play.silence = NotFound("lease not found")
    await play.leases.handle(lease)
    assert "teardown" not in play.cluster.done


async def test_another_providers_lease_in_the_same_cluster_is_not_even_asked_about(play: Play) -> None:
    lease = LeaseID("akash1tenant", 5, 1, 1, "akash1rival")
    play.cluster.spaces.add(lease)
    play.silence = AssertionError("asked")
    await play.leases.handle(lease)
    assert play.cluster.done == []


async def test_a_clearing_that_takes_its_time_keeps_the_room_and_no_worker(play: Play) -> None:
    lease = await play.won()
    await play.manifest(lease)
    play.over(lease)
    play.cluster.lingers = True
    await play.leases.handle(lease)
    assert lease.order in play.room.holds, "its pods may still use it"
    play.cluster.lingers = False
    play.silence = AssertionError("what is over stays over: the chain is asked once")
    await play.leases.handle(lease)
    assert lease.order not in play.room.holds


@pytest.mark.looptime
@pytest.mark.parametrize("trouble", ["a namespace that is stuck", "a mirror that is behind"])
async def test_looks_do_not_multiply_however_long_something_is_wrong(play: Play, trouble: str) -> None:
    lease = await play.won()
    await play.manifest(lease)
    if trouble == "a namespace that is stuck":
        play.cluster.lingers = True
        play.over(lease)
    else:
        play.cluster.deleted.add("web")
        play.cluster.fresh = False
    handled = 0

    async def handle(key: LeaseID) -> None:
        nonlocal handled
        handled += 1
        await play.leases.handle(key)

    counts = []
    async with asyncio.TaskGroup() as tasks:
        worker = spawn(tasks, "worker", work(play.leases.queue, handle, what="lease"))
        for _ in range(48):
            play.leases.look([lease])
            before = handled
            await asyncio.sleep(600.37)
            counts.append(handled - before)
            assert len(play.leases.queue._timers) <= 1
        worker.cancel()
    assert max(counts) <= 2 + 600 / 5
    assert counts[-1] <= counts[0] + 1, "as many after eight hours as in the first minutes"


async def test_a_clearing_that_fails_is_tried_again(play: Play) -> None:
    lease = await play.won()
    await play.manifest(lease)
    play.over(lease)
    play.cluster.answer = Retry("the API server answers 503")
    with pytest.raises(Retry):
        await play.leases.handle(lease)
    assert lease.order in play.room.holds
    play.cluster.answer = None
    await play.leases.handle(lease)
    assert lease.order not in play.room.holds


@pytest.mark.parametrize("left", ["its manifest", "its namespace"])
async def test_a_new_process_finds_what_an_old_one_left(play: Play, left: str) -> None:
    lease = play.chain.add_lease(play.chain.add_order(1), state="closed")
    if left == "its manifest":
        play.cluster.stored[lease] = StoredManifest(lease, ManifestGroup("one", ()), {})
    else:
        play.cluster.spaces.add(lease)
    play.leases.look_at_all()
    await play.at(4)
    assert play.cluster.done == ["teardown"]


async def test_a_lease_that_lost_its_order_is_kept_without_room(play: Play) -> None:
    """Its order could not be read: the tenant's manifest is served all the same."""
    lease = await play.won()
    play.room.release(lease.order)
    play.book.orders.clear()
    await play.manifest(lease)
    assert len(play.cluster.done) == 1
