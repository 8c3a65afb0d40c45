"""The examples' whole lives on a real node at the same time, each looked at by its tenant, by the world, from inside.

All lives are lived once, in the fixture; each test then reads what was seen of one of them.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import pytest

from e2e.cluster import Cluster, images
from e2e.lives import PATIENCE_S, Lived, Plan, Visit, example, live
from provider.cluster.api.kinds import POD, SECRET
from provider.errors import Refused

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
TEAM_WEB = "registry.example.com/team/web:1"
NAMED_OTHERWISE = [f"docker.io/library/{name}:1" for name in ("db", "game")] + [TEAM_WEB]
LIMITS = """\
cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes
cat /sys/fs/cgroup/cpu.max 2>/dev/null || cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us
"""
"""In either version of control groups: bytes, then microseconds of CPU in each 100,000."""


async def visit_web(visit: Visit) -> dict[str, Any]:
    host = await visit.host("web")
    return {
        "page": await visit.page(host),
        "stranger": await visit.page("nobody.ingress.sandbox.test", gone=True),
        "env": _lines(await visit.page(host, "/cgi-bin/env")),
        "log": await visit.log("web", "web is listening on 8080"),
        "counted": await visit.said("web", "echo $((6 * 7))"),
        "failed": (await visit.run("web", "exit 3")).result,
        "limits": (await visit.said("web", LIMITS)).split(),
        "lease": visit.lease,
    }


async def visit_two_services(visit: Visit) -> dict[str, Any]:
    host = await visit.host("web")
    return {
        "command": await visit.page(host, "/cgi-bin/command"),
        "peer": await visit.served(host, "/cgi-bin/peer?db:5432"),
        "database": await visit.said("web", "echo $DATABASE_HOST:$DATABASE_PORT"),
        "web": len(await visit.pods("web")),
        "limits": (await visit.said("web", LIMITS)).split(),
        "uris": {name: service["uris"] for name, service in (await visit.status())["services"].items()},
    }


async def visit_volume(visit: Visit) -> dict[str, Any]:
    """Two ways for a pod to go: a new manifest, and somebody deleting it."""
    host = await visit.host("db")

    async def starts(count: int) -> list[str] | None:
        found = (await visit.page(host, "/cgi-bin/data")).splitlines()
        return found if len(found) >= count else None

    seen: dict[str, Any] = {"first": await visit.until("one start", lambda: starts(1))}
    await visit.update(example("03").replace(b"    expose:", b"    env: [COLOR=blue]\n    expose:"))
    seen["updated"] = await visit.until("a second start", lambda: starts(2))
    seen["color"] = await visit.said("db", "echo $COLOR")
    (pod,) = await visit.pods("db")
    await visit.net.kube.delete(POD, visit.namespace, pod["metadata"]["name"])
    seen["restarted"] = await visit.until("a third start", lambda: starts(3))
    return seen


async def visit_private(visit: Visit) -> dict[str, Any]:
    (pod,) = await visit.pods("web")
    (named,) = pod["spec"]["imagePullSecrets"]
    secret = await visit.net.kube.get(SECRET, visit.namespace, named["name"])
    return {
        "page": await visit.page(await visit.host("web")),
        "image": pod["spec"]["containers"][0]["image"],
        "login": json.loads(base64.b64decode(secret["data"][".dockerconfigjson"])),
    }


async def visit_leased_ip(visit: Visit) -> dict[str, Any]:
    async def given() -> list[dict[str, Any]] | None:
        ports = ((await visit.status())["ips"] or {}).get("web") or []
        return ports if len(ports) == 2 and all(port["IP"] for port in ports) else None

    ports = await visit.until("an address", given)
    return {"ports": ports, "page": await visit.page_at(f"{ports[0]['IP']}:443")}


async def visit_node_ports(visit: Visit) -> dict[str, Any]:
    async def given() -> list[dict[str, Any]] | None:
        ports = ((await visit.status())["forwarded_ports"] or {}).get("game") or []
        return ports if len(ports) == 2 else None

    ports = await visit.until("node ports", given)
    tcp = next(port for port in ports if port["proto"] == "TCP")
    node = visit.cluster.network.node
    return {"ports": ports, "page": await visit.page_at(f"{node}:{tcp['externalPort']}")}


class Move:
    """A name or an address goes from one lease of a tenant to another: that asks for it in a new manifest, and has it
    moved. `served` looks which deployment's pod answers there."""

    def __init__(
        self, what: Literal["hostname", "endpoint"], name: str, served: Callable[[Visit], Awaitable[int | None]]
    ) -> None:
        self.what, self.name, self.served = what, name, served
        self.had, self.moved = asyncio.Event(), asyncio.Event()

    async def giver(self, visit: Visit) -> dict[str, Any]:
        await self._leads_to(visit)
        self.had.set()
        await asyncio.wait_for(self.moved.wait(), 2 * PATIENCE_S)
        return {"before": visit.lease.dseq}

    def taker(self, sdl: bytes) -> Callable[[Visit], Awaitable[dict[str, Any]]]:
        async def visit(visit: Visit) -> dict[str, Any]:
            await asyncio.wait_for(self.had.wait(), 2 * PATIENCE_S)
            await visit.update(sdl)
            await visit.until("the migration", lambda: self._migrated(visit))
            await self._leads_to(visit)
            self.moved.set()
            return {"after": await self.served(visit), "taker": visit.lease.dseq}

        return visit

    async def _migrated(self, visit: Visit) -> bool:
        try:
            await visit.gateway.migrate(self.what, [self.name], visit.lease)
        except Refused as no:  # the daemon has not heard yet of the manifest that it has stored
            if "is not used" in str(no) or "does not exist" in str(no):
                return False
            raise
        return True

    async def _leads_to(self, visit: Visit) -> None:
        async def so() -> bool:
            return await self.served(visit) == visit.lease.dseq

        await visit.until(f"{self.name} to lead to {visit.lease.dseq}", so)


OWN_NAME = "www.example.com"


async def served_by_name(visit: Visit) -> int | None:
    return _deployment(await visit.page(OWN_NAME, "/cgi-bin/env"))


async def served_by_address(visit: Visit) -> int | None:
    for port in ((await visit.status())["ips"] or {}).get("web") or []:
        if port["IP"] and port["Protocol"] == "TCP":
            return _deployment(await visit.page_at(f"{port['IP']}:{port['ExternalPort']}", "/cgi-bin/env"))
    return None


def with_address(name: bytes) -> bytes:
    return example("06").replace(b"front", name)


named = Move("hostname", OWN_NAME, served_by_name)
addressed = Move("endpoint", "back", served_by_address)
PLANS = {
    "01": Plan(example("01"), visit_web),
    "02": Plan(example("02"), visit_two_services),
    "03": Plan(example("03"), visit_volume),
    "05": Plan(example("05"), visit_private),
    "06": Plan(example("06"), visit_leased_ip),
    "08": Plan(example("08"), visit_node_ports),
    "giver of a name": Plan(example("07"), named.giver),
    "taker of a name": Plan(example("01"), named.taker(example("07"))),
    "giver of an address": Plan(with_address(b"back"), addressed.giver),
    "taker of an address": Plan(with_address(b"side"), addressed.taker(with_address(b"back"))),
}


@pytest.fixture(scope="module")
def lived(
    kubelet_cluster_with: Callable[..., Cluster], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, Lived]:
    cluster = kubelet_cluster_with("dns", "ingress", "volumes", "addresses")
    cluster.load(*map(images.web, NAMED_OTHERWISE))
    # One node of two cores for everybody: more is sold than there is, as providers do.
    site = {"ip_pool": "default", "overcommit_cpu_percent": 300}
    return asyncio.run(live(cluster, tmp_path_factory.mktemp("lives"), PLANS, site))


@pytest.mark.parametrize("name", PLANS)
def test_a_life_ends_with_the_same_money_on_chain_and_in_the_books(lived: Mapping[str, Lived], name: str) -> None:
    settled = lived[name].timeline["settled"]
    assert settled["amount"] == settled["ledger"] > 0


def test_a_page_is_served_under_its_host_name_alone(lived: Mapping[str, Lived]) -> None:
    seen = lived["01"].seen
    assert seen["page"] == "hello\n"
    assert "hello" not in seen["stranger"]


def test_a_tenant_finds_his_lease_in_the_environment(lived: Mapping[str, Lived]) -> None:
    seen = lived["01"].seen
    assert f"AKASH_OWNER={seen['lease'].owner}" in seen["env"]
    assert f"AKASH_DEPLOYMENT_SEQUENCE={seen['lease'].dseq}" in seen["env"]
    assert "AKASH_CLUSTER_PUBLIC_HOSTNAME=sandbox.test" in seen["env"]


def test_a_container_may_use_what_was_bought_whatever_was_reserved(lived: Mapping[str, Lived]) -> None:
    assert lived["01"].seen["limits"][:2] == [str(64 << 20), "10000"]
    assert lived["02"].seen["limits"][:2] == [str(128 << 20), "25000"]


def test_logs_and_commands_tell_what_happened_inside(lived: Mapping[str, Lived]) -> None:
    seen = lived["01"].seen
    assert "web is listening on 8080" in seen["log"]
    assert seen["counted"] == "42\n"
    assert (seen["failed"].exit_code, seen["failed"].message) == (3, "")


def test_services_of_a_lease_find_one_another_by_name(lived: Mapping[str, Lived]) -> None:
    seen = lived["02"].seen
    assert seen["peer"] == "hello\n"
    assert seen["database"] == "db:5432\n"
    assert seen["web"] == 2


def test_command_and_arguments_arrive_as_written(lived: Mapping[str, Lived]) -> None:
    assert lived["02"].seen["command"] == "/bin/server --listen :8080\n"


def test_only_what_is_for_the_world_has_a_host_name(lived: Mapping[str, Lived]) -> None:
    uris = lived["02"].seen["uris"]
    assert uris["web"]
    assert not uris["db"]


def test_a_volume_keeps_what_was_written_across_an_update_and_a_restart(lived: Mapping[str, Lived]) -> None:
    seen = lived["03"].seen
    assert seen["color"] == "blue\n"
    first, updated, restarted = seen["first"], seen["updated"], seen["restarted"]
    assert (len(first), len(updated), len(restarted)) == (1, 2, 3)
    assert restarted[:2] == updated
    assert updated[:1] == first


def test_a_private_image_comes_with_its_login(lived: Mapping[str, Lived]) -> None:
    seen = lived["05"].seen
    assert seen["page"] == "hello\n"
    assert seen["image"] == TEAM_WEB
    assert seen["login"]["auths"]["registry.example.com"]["username"] == "puller"


def test_a_leased_address_is_reached_without_any_host_name(lived: Mapping[str, Lived]) -> None:
    seen = lived["06"].seen
    assert seen["page"] == "hello\n"
    assert len({port["IP"] for port in seen["ports"]}) == 1
    assert {(port["ExternalPort"], port["Protocol"]) for port in seen["ports"]} == {(443, "TCP"), (53, "UDP")}


def test_a_node_port_is_reached_under_the_number_the_tenant_is_told(lived: Mapping[str, Lived]) -> None:
    seen = lived["08"].seen
    assert seen["page"] == "hello\n"
    assert {(port["port"], port["proto"]) for port in seen["ports"]} == {(7777, "UDP"), (7778, "TCP")}


@pytest.mark.parametrize("what", ["a name", "an address"])
def test_what_one_lease_has_moves_to_another_of_the_tenant(lived: Mapping[str, Lived], what: str) -> None:
    taken = lived[f"taker of {what}"].seen
    assert lived[f"giver of {what}"].seen["before"] != taken["taker"] == taken["after"]


def _deployment(env: str) -> int:
    return next(int(line.partition("=")[2]) for line in _lines(env) if line.startswith("AKASH_DEPLOYMENT_SEQUENCE="))


def _lines(text: str) -> list[str]:
    return text.splitlines()
