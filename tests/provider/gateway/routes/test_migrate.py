"""POST /hostname/migrate and /endpoint/migrate."""

from __future__ import annotations

import json
from typing import Any

import pytest

from manifests.ids import LeaseID

PLAIN = "text/plain; charset=utf-8"
BODY: dict[str, Any] = {"hostnames_to_migrate": ["a.example"], "destination_dseq": 9, "destination_gseq": 1}
BAD = ["[]", "{", "null", *(json.dumps(BODY | change) for change in (
    {"destination_dseq": "9"}, {"destination_gseq": 1 << 32}, {"destination_dseq": -1}, {"destination_dseq": True},
    {"hostnames_to_migrate": "a.example"}, {"hostnames_to_migrate": [1]},
))]  # fmt: skip


@pytest.fixture
def at(gateway, desk, tenant):
    """`at(path, body)`: the tenant has deployments 7, to which all names lead, and 9."""
    seven, nine = (LeaseID(tenant.address, dseq, 1, 1, desk.provider) for dseq in (7, 9))
    desk.leases |= {seven: {}, nine: {}}
    desk.hosts |= {"a.example": (seven, "web"), "b.example": (seven, "db"), "myip": (seven, "web")}

    async def call(body: Any = BODY, path: str = "/hostname/migrate", **token: Any) -> tuple[int, str, str]:
        sent = body if isinstance(body, str) else json.dumps(body)
        return await gateway.call("POST", path, body=sent.encode(), token=tenant.token(**token))

    return call


async def test_names_and_addresses_move_and_the_answer_says_which(at, desk) -> None:
    assert await at() == (200, "application/json; charset=UTF-8", '{"transferred":["a.example"]}')
    assert desk.hosts["a.example"][0].dseq == 9
    body = {"endpoints_to_migrate": ["myip", "myip"], "destination_dseq": 9, "destination_gseq": 1}
    assert (await at(body, "/endpoint/migrate"))[::2] == (200, '{"transferred":["myip"]}')
    assert desk.hosts["myip"][0].dseq == 9


async def test_a_refusal_keeps_its_text(at) -> None:
    assert await at(BODY | {"destination_dseq": 8}) == (400, PLAIN, "destination deployment does not exist\n")


@pytest.mark.parametrize("body", BAD)
async def test_what_is_no_such_request_is_422_without_a_text(at, body) -> None:
    assert (await at(body))[::2] == (422, "")


async def test_no_names_are_400_without_a_text_and_too_many_with_one(at) -> None:
    assert (await at(BODY | {"hostnames_to_migrate": []}))[::2] == (400, "")
    assert (await at({"destination_dseq": 9, "destination_gseq": 1}))[::2] == (400, "")
    many = [f"h{n}.example" for n in range(1001)]
    assert (await at(BODY | {"hostnames_to_migrate": many}))[::2] == (400, "at most 1000 names in one request\n")


def granular(desk, *dseqs: int, scope: str = "hostname-migrate", services: tuple[str, ...] = ("web",)) -> Any:
    deployments = [{"dseq": dseq, "scope": [scope], "services": list(services)} for dseq in dseqs]
    permission = {"provider": desk.provider, "access": "granular", "deployments": deployments}
    return {"access": "granular", "permissions": [permission]}


@pytest.mark.parametrize(
    ("case", "leases", "status"),
    [
        ("its scope", lambda desk: {"access": "scoped", "scope": ["hostname-migrate"]}, 200),
        ("another scope", lambda desk: {"access": "scoped", "scope": ["ip-migrate", "status"]}, 401),
        ("both deployments", lambda desk: granular(desk, 7, 9), 200),
        ("only where it goes to", lambda desk: granular(desk, 9), 401),
        ("only where it comes from", lambda desk: granular(desk, 7), 401),
        ("another service", lambda desk: granular(desk, 7, 9, services=("db",)), 401),
    ],
)
async def test_a_token_must_allow_it_on_both_sides(at, desk, case, leases, status) -> None:
    assert (await at(leases=leases(desk)))[0] == status
    assert desk.hosts["a.example"][0].dseq == (9 if status == 200 else 7)


async def test_nobody_is_refused_before_a_body_is_read(gateway) -> None:
    assert (await gateway.call("POST", "/hostname/migrate", body=b"x"))[0] == 401


async def test_addresses_have_a_scope_of_their_own(at) -> None:
    body = {"endpoints_to_migrate": ["myip"], "destination_dseq": 9, "destination_gseq": 1}
    for scope, status in (("hostname-migrate", 401), ("ip-migrate", 200)):
        assert (await at(body, "/endpoint/migrate", leases={"access": "scoped", "scope": [scope]}))[0] == status
