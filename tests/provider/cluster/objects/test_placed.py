"""What is left over is found, with how many questions, and however far the mirrors are behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from provider.cluster.api.kinds import DEPLOYMENT, NAMESPACE, PERSISTENT_VOLUME_CLAIM, SECRET, SERVICE, Kind, kind_of
from provider.cluster.api.kube import Object
from provider.cluster.objects.apply import PRUNED
from provider.cluster.objects.placed import Placed
from provider.errors import NotFound

NS = "tenants"
UNMIRRORED = [kind for kind in PRUNED if kind not in (DEPLOYMENT, SERVICE)]


def obj(kind: Kind, name: str) -> Object:
    return {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}}


WEB = [obj(NAMESPACE, NS), obj(DEPLOYMENT, "web"), obj(SERVICE, "web"), obj(SECRET, "login")]
LESS = WEB[:2]


@dataclass
class Server:
    """What is there, and what was asked."""

    there: set[tuple[Kind, str]] = field(default_factory=set)
    listed: list[Kind] = field(default_factory=list)
    asked: int = 0

    def put(self, objects: list[Object]) -> None:
        self.there |= {(kind_of(one), one["metadata"]["name"]) for one in objects}

    async def get(self, kind: Kind, _: str | None, name: str) -> Object:
        self.asked += 1
        if (kind, name) not in self.there:
            raise NotFound(name)
        return obj(kind, name)

    async def all(self, kind: Kind, _: str, __: str) -> list[Object]:
        self.listed.append(kind)
        return [{"metadata": {"name": name}} for k, name in sorted(self.there, key=str) if k is kind]

    async def delete(self, kind: Kind, _: str, name: str) -> bool:
        self.asked += 1
        found = (kind, name) in self.there
        self.there.discard((kind, name))
        return found


@dataclass
class Shown:
    """A mirror."""

    kind: Kind
    names: dict[str, None] = field(default_factory=dict)
    fresh: bool = True

    def within(self, _: str) -> Mapping[str, Any]:
        return self.names


class World:
    """`placed` is as one process has it; `restart` makes the next one's."""

    def __init__(self) -> None:
        self.server, self.deployments, self.services = Server(), Shown(DEPLOYMENT), Shown(SERVICE)
        self.restart()

    def restart(self) -> None:
        self.placed = Placed(self.server, [self.deployments, self.services])  # type: ignore[arg-type, list-item]

    async def deploy(self, objects: list[Object], *, applied: int | None = None) -> list[str]:
        await self.placed.expect(NS, objects)
        self.server.put(objects[:applied])
        return await self.placed.prune(NS, objects) if applied is None else []


async def test_a_namespace_that_is_made_now_is_not_looked_through() -> None:
    world = World()
    assert await world.deploy(WEB) == []
    assert (world.server.listed, world.server.asked) == ([], 1)
    assert await world.deploy(WEB) == []
    assert (world.server.listed, world.server.asked) == ([], 1), "and nothing at all is asked from then on"


async def test_what_a_manifest_no_longer_has_goes_before_any_mirror_has_shown_it() -> None:
    world = World()
    await world.deploy(WEB)
    assert await world.deploy(LESS) == ["services/web", "secrets/login"]
    assert world.server.there == {(NAMESPACE, NS), (DEPLOYMENT, "web")}
    assert world.server.listed == []


async def test_what_was_applied_by_half_is_known_too() -> None:
    world = World()
    await world.deploy(WEB, applied=3)
    assert await world.deploy(LESS) == ["services/web"]


async def test_another_process_lists_what_no_mirror_shows_once() -> None:
    world = World()
    await world.deploy(WEB)
    world.restart()
    world.deployments.names, world.services.names = {"web": None}, {"web": None, "old": None}
    world.server.put([obj(SERVICE, "old"), obj(SECRET, "old")])
    assert await world.deploy(WEB) == ["services/old", "secrets/old"]
    assert world.server.listed == UNMIRRORED
    await world.deploy(WEB)
    assert world.server.listed == UNMIRRORED


async def test_kinds_whose_mirror_is_behind_are_listed() -> None:
    world = World()
    world.server.put([*WEB, obj(SERVICE, "old")])
    world.services.fresh = False
    assert await world.deploy(WEB) == ["services/old"]
    assert world.server.listed == [kind for kind in PRUNED if kind is not DEPLOYMENT]


async def test_a_mirror_that_shows_what_is_gone_or_not_yet_what_is_there_takes_nothing_that_is_wanted() -> None:
    world = World()
    world.server.put([obj(NAMESPACE, NS)])
    world.deployments.names = {"web": None, "gone": None}
    assert await world.deploy(WEB) == []
    assert (SERVICE, "web") in world.server.there


async def test_what_others_put_there_goes_when_a_mirror_shows_it() -> None:
    world = World()
    await world.deploy(WEB)
    world.server.put([obj(SERVICE, "stray")])
    assert await world.deploy(WEB) == []
    world.services.names = {"stray": None}
    assert await world.deploy(WEB) == ["services/stray"]


async def test_volumes_are_never_left_over() -> None:
    world = World()
    await world.deploy([*WEB, obj(PERSISTENT_VOLUME_CLAIM, "data")])
    assert await world.deploy(WEB) == []


async def test_a_lease_that_is_over_leaves_no_memory() -> None:
    world = World()
    await world.deploy(WEB)
    world.placed.forget(NS)
    world.server.there.clear()
    await world.deploy(LESS)
    assert world.server.asked == 2, "its namespace is asked for anew"
