"""Leases watched over blocks that go by, with a cluster and a wall clock in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bidengine.views import CloseReason
from manifests.ids import LeaseID
from provider.cluster.health.causes import Cause
from provider.cluster.health.workloads import ServiceHealth
from provider.errors import Blame
from provider.market.book import Book
from provider.market.leases.problem import Problem
from provider.market.leases.spells import NAME, write
from provider.market.leases.vigil import AGAIN_BLOCKS, Vigil
from provider.settings import GraceSettings

GRACE = GraceSettings(image_pull_s=600, refused_s=600, crash_loop_s=600, unschedulable_s=600)
BLOCK_S = 6


def ill(cause: Cause, since_unix_s: int = 0) -> dict[str, ServiceHealth]:
    return {"web": ServiceHealth(0, 1, "web-0: why", cause, since_unix_s)}


WELL = {"web": ServiceHealth(1, 1)}
COMING = {"web": ServiceHealth(0, 1, "not deployed yet", Cause.STARTING, stands=False)}


@dataclass
class Watch:
    book: Book
    fresh: bool = True
    nodes_out: int = 0
    lag_s: float = 0.0
    services: dict[LeaseID, dict[str, ServiceHealth]] = field(default_factory=dict)
    problems: dict[LeaseID, Problem] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.vigil = Vigil(self.book, self, GRACE, self.problems, lambda: self.book.time_unix_ns / 1e9 + self.lag_s)

    def leases(self) -> dict[LeaseID, object]:
        return dict(self.services)

    def health(self, lease: LeaseID) -> dict[str, ServiceHealth]:
        return self.services[lease]

    def has(self, lease: LeaseID, services: dict[str, ServiceHealth]) -> None:
        self.services[lease] = services
        self.vigil.look(lease)

    def pass_by(self, seconds: int) -> list[LeaseID]:
        due: list[LeaseID] = []
        for _ in range(seconds // BLOCK_S):
            self.book.height += 1
            self.book.time_unix_ns += BLOCK_S * 10**9
            due = self.vigil.tick()
        return due


@pytest.fixture
async def watch(chain: Any) -> Watch:
    return Watch(await Book.load(chain, "akash1us", 3, 1_000_000 * 10**9))


@pytest.fixture
def leases(chain: Any, watch: Watch) -> list[LeaseID]:
    out = [chain.add_lease(chain.add_order(n)) for n in range(1, 9)]
    for lease in out:
        watch.book.leases[lease] = chain.leases_[lease]
        watch.has(lease, WELL)
    return out


def test_a_lease_that_lacks_its_image_is_due_after_its_grace(watch: Watch, leases: list[LeaseID]) -> None:
    watch.has(leases[0], ill(Cause.IMAGE_PULL))
    assert watch.pass_by(594) == []
    assert watch.pass_by(6) == [leases[0]]
    verdict = watch.vigil.verdict(leases[0])
    assert verdict is not None
    assert (verdict.reason, verdict.why) == (CloseReason.UNSTABLE, "image-pull for 600 s: web-0: why")


def restarted(watch: Watch, data: Path, *, down_s: int) -> Watch:
    """The daemon is gone for so long, and its book goes on where it was."""
    now = watch.vigil._to_keep()
    write(data / NAME, now)
    again = Watch(watch.book, services=watch.services, problems=watch.problems)
    again.book.time_unix_ns += down_s * 10**9
    again.vigil.remember(data)
    return again


def test_a_restart_gives_nobody_a_new_grace(watch: Watch, leases: list[LeaseID], tmp_path: Path) -> None:
    """What was seen before counts, the time in between does not; the second restart is as the first."""
    watch.has(leases[0], ill(Cause.IMAGE_PULL))
    watch.problems[leases[1]] = Problem("no (422)", Blame.TENANT)
    watch.has(leases[1], COMING)
    assert watch.pass_by(300) == []
    for _ in range(2):
        watch = restarted(watch, tmp_path, down_s=300)
        for lease in leases:
            watch.vigil.look(lease)
        assert watch.pass_by(120) == []
    assert watch.pass_by(60) == leases[:2]


def test_a_restart_in_which_it_may_have_been_well_begins_anew(
    watch: Watch, leases: list[LeaseID], tmp_path: Path
) -> None:
    """But where the cluster says that its pod was not ready for all that time."""
    for lease in leases[:2]:
        watch.has(lease, ill(Cause.IMAGE_PULL, since_unix_s=999_000))
    watch.pass_by(300)
    watch = restarted(watch, tmp_path, down_s=3600)
    watch.has(leases[0], ill(Cause.IMAGE_PULL, since_unix_s=999_000))
    watch.has(leases[1], ill(Cause.IMAGE_PULL, since_unix_s=1_003_000))
    assert watch.pass_by(300) == [leases[0]]


def test_what_has_not_told_anything_since_is_kept_as_it_was(
    watch: Watch, leases: list[LeaseID], tmp_path: Path
) -> None:
    """A daemon that is ended again at once, or sees only pods on their way, forgets but leases that are over."""
    for lease in leases[:2]:
        watch.has(lease, ill(Cause.IMAGE_PULL))
    watch.pass_by(300)
    watch = restarted(watch, tmp_path, down_s=60)
    watch.has(leases[0], ill(Cause.STARTING))
    watch.book.leases.pop(leases[1])
    kept = watch.vigil._to_keep()
    assert list(kept) == [leases[0]]
    assert (kept[leases[0]].spell.seen_s, kept[leases[0]].at_unix_s) == (300, 1_000_300)
    watch = restarted(watch, tmp_path, down_s=60)
    watch.has(leases[0], ill(Cause.IMAGE_PULL))
    assert watch.pass_by(300) == [leases[0]]


def test_what_was_closed_is_due_again_only_if_that_got_lost(watch: Watch, leases: list[LeaseID]) -> None:
    watch.has(leases[0], ill(Cause.IMAGE_PULL))
    watch.pass_by(600)
    watch.vigil.closed(leases[0])
    assert watch.pass_by((AGAIN_BLOCKS - 1) * BLOCK_S) == []
    assert watch.pass_by(BLOCK_S) == [leases[0]]
    watch.book.leases.pop(leases[0])
    assert watch.pass_by(BLOCK_S) == []
    assert watch.vigil.spells == {}


@pytest.mark.parametrize("outage", ["API server", "chain"])
def test_d13_no_time_counts_in_which_we_could_not_see(watch: Watch, leases: list[LeaseID], outage: str) -> None:
    watch.has(leases[0], ill(Cause.IMAGE_PULL))
    watch.pass_by(300)
    watch.fresh, watch.lag_s = outage != "API server", 121 if outage == "chain" else 0
    assert watch.pass_by(3600) == []
    watch.fresh, watch.lag_s = True, 0
    assert watch.pass_by(300) == []
    assert watch.pass_by(6) == [leases[0]]


def test_d13_the_last_look_is_at_the_moment_of_closing(watch: Watch, leases: list[LeaseID]) -> None:
    """Between being due and being worked on the API server may have gone, or the tenant mended it."""
    watch.has(leases[0], ill(Cause.IMAGE_PULL))
    watch.pass_by(600)
    watch.fresh = False
    assert watch.vigil.verdict(leases[0]) is None
    watch.fresh, watch.services[leases[0]] = True, WELL
    assert watch.vigil.verdict(leases[0]) is None


def test_d13_a_node_that_is_lost_closes_nobody(watch: Watch, leases: list[LeaseID]) -> None:
    watch.has(leases[0], ill(Cause.NODE_LOST))
    watch.has(leases[1], ill(Cause.UNSCHEDULABLE))
    watch.nodes_out = 1
    assert watch.pass_by(6000) == []
    watch.nodes_out = 0
    assert watch.pass_by(606) == [leases[1]], "no node is out, and there is still no room"
    assert watch.vigil.verdict(leases[1]).reason is CloseReason.DECOMMISSION  # type: ignore[union-attr]


def test_d13_leases_that_fall_ill_together_are_kept(watch: Watch, leases: list[LeaseID]) -> None:
    """support#15: one node's network, a registry's outage, a bad policy; whatever it is, it is not eight tenants."""
    for lease in leases[:3]:
        watch.has(lease, ill(Cause.CRASH_LOOP, since_unix_s=1_000_000))
    assert watch.pass_by(6000) == []
    watch.has(leases[2], WELL)
    assert watch.pass_by(1200) == leases[:2]


def test_one_after_the_other_they_are_not(watch: Watch, leases: list[LeaseID]) -> None:
    for n, lease in enumerate(leases[:3]):
        watch.has(lease, ill(Cause.IMAGE_PULL, since_unix_s=1_000_000 + 3600 * n))
    assert watch.pass_by(606) == leases[:3]


def test_a_refused_manifest_is_trouble_of_its_own(watch: Watch, leases: list[LeaseID]) -> None:
    watch.problems[leases[0]] = Problem("Deployment web is invalid (422)", Blame.TENANT)
    watch.problems[leases[1]] = Problem("exceeded quota (403)", Blame.CLUSTER)
    for lease in leases[:2]:
        watch.has(lease, COMING)
    assert watch.pass_by(6000) == leases[:1]


def test_a_refused_update_closes_nobody_whose_old_version_lacks_its_node(watch: Watch, leases: list[LeaseID]) -> None:
    watch.problems[leases[0]] = Problem("volume data has 2Gi and cannot shrink to 1Gi", Blame.TENANT)
    watch.has(leases[0], WELL)
    assert watch.pass_by(600) == []
    watch.nodes_out = 1
    watch.has(leases[0], ill(Cause.NODE_LOST))
    assert watch.pass_by(6000) == []
    assert watch.vigil.spells[leases[0]].cause is Cause.NODE_LOST


def test_who_is_unwell_is_counted_by_cause(watch: Watch, leases: list[LeaseID]) -> None:
    for lease, cause in zip(leases, (Cause.IMAGE_PULL, Cause.IMAGE_PULL, Cause.REGISTRY), strict=False):
        watch.has(lease, ill(cause))
    assert [(labels["cause"], labels["whose"], n) for _, labels, n in watch.vigil.gauges()] == [
        ("image-pull", "tenant", 2),
        ("registry", "nobody", 1),
    ]
