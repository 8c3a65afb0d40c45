"""The mirror, against a source that plays a script; time is the loop's own, so back-offs cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from provider.cluster.api.kinds import MANIFEST, POD, Kind
from provider.cluster.api.kube import Event, Gone, Object, Page
from provider.cluster.api.mirror import Mirror
from provider.errors import ConfigError, NotFound, Refused, Retry, Unreachable

Changes = list[tuple[Any, Any]]


def pod(name: str, value: int = 1, namespace: str = "a", version: str = "1") -> Object:
    return {"metadata": {"name": name, "namespace": namespace, "resourceVersion": version}, "value": value}


def event(kind: str, name: str, value: int = 1, version: str = "1") -> Event:
    return Event(kind, pod(name, value, version=version))


Step = Exception | Event


class Script:
    """`lists` and `watches` are played in order. A list is pages or an error; a watch is events, then perhaps an
    error. After the last, lists repeat and watches stay open and silent."""

    def __init__(self, lists: list[list[Page | Exception]], watches: list[list[Step]] | None = None) -> None:
        self.lists, self.watches = lists, watches or []
        self.listed_at: list[float] = []
        self.watched: list[str] = []
        self.watched_at: list[float] = []

    async def list(self, kind: Kind, namespace: str | None = None, labels: str = "") -> AsyncIterator[Page]:
        self.listed_at.append(asyncio.get_running_loop().time())
        for page in self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]:
            if isinstance(page, Exception):
                raise page
            yield page

    @asynccontextmanager
    async def watch(
        self, kind: Kind, since: str, namespace: str | None = None, labels: str = ""
    ) -> AsyncIterator[AsyncIterator[Event]]:
        self.watched.append(since)
        self.watched_at.append(asyncio.get_running_loop().time())
        steps = self.watches.pop(0) if self.watches else None
        if steps and isinstance(steps[0], Exception):
            raise steps[0]
        yield self._play(steps)

    async def _play(self, steps: list[Step] | None) -> AsyncIterator[Event]:
        if steps is None:
            await asyncio.Event().wait()
        for step in steps or []:
            if isinstance(step, Exception):
                raise step
            yield step


def page(*items: Object, version: str = "1") -> Page:
    return Page(list(items), version)


async def play(script: Script, seconds: float = 100.0, **options: Any) -> tuple[Mirror[int], Changes]:
    """Run a mirror of the pods' values for a while."""
    mirror: Mirror[int] = Mirror(script, POD, keep=lambda obj: obj["value"], **options)
    changes: Changes = []
    try:
        async with asyncio.timeout(seconds):
            await mirror.run(lambda old, new: changes.append((old, new)))
    except TimeoutError:
        pass
    return mirror, changes


pytestmark = pytest.mark.looptime


async def test_lists_in_pages_then_follows() -> None:
    script = Script(
        [[page(pod("x", 1), version="5"), page(pod("y", 2), version="5")]],
        [[event("ADDED", "z", 3, "6"), event("MODIFIED", "x", 4, "7"), event("DELETED", "y", 2, "8")]],
    )
    mirror, changes = await play(script)

    assert dict(mirror.items()) == {("a", "x"): 4, ("a", "z"): 3}
    assert changes == [(None, 1), (None, 2), (None, 3), (1, 4), (2, None)]
    assert script.watched[:2] == ["5", "8"]
    assert mirror.get("a", "x") == 4
    assert mirror.get("b", "x") is None
    assert dict(mirror.within("a")) == {"x": 4, "z": 3}
    assert (len(mirror), sorted(mirror.all())) == (2, [3, 4])


async def test_an_update_that_leaves_what_is_kept_is_no_change() -> None:
    _, changes = await play(Script([[page(pod("x", 1))]], [[event("MODIFIED", "x", 1, "2")]]))
    assert changes == [(None, 1)]


async def test_resumes_from_the_last_bookmark_after_a_cut() -> None:
    script = Script(
        [[page(version="5")]],
        [[event("BOOKMARK", "-", 0, "60"), Unreachable("cut")], [event("ADDED", "x", 1, "61"), Unreachable("cut")]],
    )
    mirror, changes = await play(script)
    assert script.watched == ["5", "60", "61"]
    assert changes == [(None, 1)]
    assert len(script.listed_at) == 1
    assert mirror.fresh


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param([Gone("410")], id="refused at once"),
        pytest.param([event("ADDED", "y", 2, "6"), Gone("410")], id="in the stream"),
    ],
)
async def test_lists_anew_when_gone_and_finds_what_it_missed(ends: list[Step]) -> None:
    script = Script(
        [
            [page(pod("x", 1), pod("w", 9), version="5")],
            [page(pod("w", 10), pod("new", 3), version="50")],
        ],
        [ends],
    )
    mirror, changes = await play(script)

    assert dict(mirror.items()) == {("a", "w"): 10, ("a", "new"): 3}
    assert (1, None) in changes, "the deletion nobody told"
    assert changes[-2:] == [(9, 10), (None, 3)]
    assert script.watched[-1] == "50"


async def test_a_deletion_is_told_when_the_store_already_shows_it() -> None:
    mirror: Mirror[int] = Mirror(Script([[page(pod("x"))]], [[event("DELETED", "x")]]), POD, keep=lambda o: o["value"])
    seen: list[int] = []
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(10):
            await mirror.run(lambda old, new: seen.append(len(mirror)))
    assert seen == [1, 0]


async def test_a_list_that_breaks_off_changes_nothing() -> None:
    script = Script(
        [[page(pod("x", 1), pod("y", 2))], [page(pod("x", 1)), Unreachable("cut")], [page(pod("x", 1), pod("y", 2))]],
        [[Gone("410")]],
    )
    _, changes = await play(script)
    assert changes == [(None, 1), (None, 2)]
    assert len(script.listed_at) == 3


async def test_an_outage_keeps_the_last_known_state_and_says_how_long() -> None:
    down: list[list[Step]] = [[Unreachable("down")] for _ in range(1000)]
    mirror, changes = await play(Script([[page(pod("x", 1))]], down), seconds=600)
    assert mirror.get("a", "x") == 1
    assert changes == [(None, 1)]
    assert not mirror.fresh
    assert mirror.stale_s == pytest.approx(600, abs=2)


async def test_comes_back_ever_less_often_but_at_least_twice_a_minute() -> None:
    script = Script([[page()]], [[Unreachable("down")] for _ in range(1000)])
    await play(script, seconds=600)
    pauses = [b - a for a, b in zip(script.watched_at, script.watched_at[1:], strict=False)]
    assert pauses[0] <= 1
    assert max(pauses) <= 30
    assert 600 / 30 < len(pauses) < 60


async def test_a_server_that_ends_every_watch_at_once_is_not_hammered() -> None:
    script = Script([[page()]], [[] for _ in range(1000)])
    await play(script, seconds=600)
    assert len(script.watched) < 60


async def test_a_server_whose_lists_are_gone_at_once_is_not_hammered() -> None:
    script = Script([[page()]], [[Gone("410")] for _ in range(1000)])
    await play(script, seconds=600)
    assert len(script.listed_at) < 60


async def test_starts_with_the_server_still_down() -> None:
    script = Script([[Unreachable("down")], [Retry("503")], [page(pod("x", 1))]])
    mirror, changes = await play(script)
    await mirror.listed()
    assert changes == [(None, 1)]
    assert mirror.stale_s == 0


async def test_is_not_listed_before_it_is() -> None:
    mirror, _ = await play(Script([[Unreachable("down")]]))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await mirror.listed()


@pytest.mark.parametrize(
    ("no", "says"),
    [
        pytest.param(
            NotFound("the server could not find the requested resource"), "custom resources", id="CRD missing"
        ),
        pytest.param(Refused("manifests is forbidden"), "rights", id="no rights"),
    ],
)
async def test_a_first_list_refused_is_the_operators_to_cure(no: Refused, says: str) -> None:
    mirror: Mirror[int] = Mirror(Script([[no]]), MANIFEST, keep=lambda o: 1)
    with pytest.raises(ConfigError, match=r"manifests.akash.network") as raised:
        await mirror.run(lambda old, new: None)
    assert says in raised.value.cure


@pytest.mark.parametrize("optional", [False, True])
async def test_a_first_watch_refused_is_the_operators_to_cure(optional: bool) -> None:
    """As with a role of an older release, which listed this kind and did not watch it."""
    script = Script([[page(pod("x"))]], [[Refused("pods is forbidden")]])
    mirror: Mirror[int] = Mirror(script, POD, keep=lambda o: 1, optional=optional)
    with pytest.raises(ConfigError, match="pods may not be watched") as raised:
        await mirror.run(lambda old, new: None)
    assert "rights" in raised.value.cure


async def test_what_may_be_absent_counts_as_empty_and_is_asked_for_later() -> None:
    script = Script([[NotFound("no such kind")], [page(pod("x", 1))]])
    mirror, changes = await play(script, seconds=10, optional=True)
    await mirror.listed()
    assert mirror.fresh
    assert changes == []

    script = Script([[NotFound("no such kind")], [page(pod("x", 1))]])
    _, changes = await play(script, seconds=400, optional=True)
    assert changes == [(None, 1)]


@pytest.mark.parametrize("optional", [False, True])
async def test_rights_lost_later_are_trouble_that_passes(optional: bool) -> None:
    script = Script([[page(pod("x", 1))], [Refused("forbidden")], [page(pod("x", 2))]], [[], [Refused("forbidden")]])
    mirror, changes = await play(script, optional=optional)
    assert changes == [(None, 1), (1, 2)]
    assert mirror.fresh


async def test_a_kind_that_may_be_absent_and_is_not_known_for_a_moment_is_not_taken_for_gone() -> None:
    """As a custom kind on an API server that has just started."""
    lists: list[list[Page | Exception]] = [[page(pod("x", 1))], *([NotFound("no such kind")] for _ in range(100))]
    mirror, changes = await play(Script(lists, [[NotFound("no such kind")]]), seconds=200, optional=True)
    assert (mirror.fresh, changes) == (False, [(None, 1)])


async def test_a_kind_that_is_taken_out_of_the_cluster_is_empty_in_the_end_and_found_again() -> None:
    lists: list[list[Page | Exception]] = [[page(pod("x", 1))], *([NotFound("no such kind")] for _ in range(100))]
    mirror, changes = await play(Script(lists, [[NotFound("no such kind")]]), seconds=500, optional=True)
    assert (mirror.fresh, changes) == (True, [(None, 1), (1, None)])


async def test_a_bug_in_the_listener_is_not_swallowed() -> None:
    mirror: Mirror[int] = Mirror(Script([[page(pod("x"))]]), POD, keep=lambda o: o["value"])

    def changed(old: int | None, new: int | None) -> None:
        raise KeyError("bug")

    with pytest.raises(KeyError):
        await mirror.run(changed)
