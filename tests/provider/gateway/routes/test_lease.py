"""GET /lease/{dseq}/{gseq}/{oseq}/status and /manifest."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest


def limited(provider: str, scope: str, service: str) -> dict:
    grant = {"dseq": 7, "scope": [scope], "services": [service]}
    return {"access": "granular", "permissions": [{"provider": provider, "access": "granular", "deployments": [grant]}]}


async def test_the_whole_status_with_the_keys_clients_read(gateway, tenant) -> None:
    status, kind, body = await gateway.call("GET", "/lease/7/1/1/status", token=tenant.token())
    assert (status, kind) == (200, "application/json; charset=UTF-8")
    assert json.loads(body) == {
        "services": {"web": {"name": "web", "available": 1}, "db": {"name": "db", "available": 1}},
        "forwarded_ports": {"db": [{"port": 5432, "externalPort": 31234}]},
        "ips": None,
    }


async def test_a_token_for_one_service_sees_one_service(gateway, desk, tenant) -> None:
    token = tenant.token(leases=limited(desk.provider, "status", "web"))
    answer = json.loads((await gateway.call("GET", "/lease/7/1/1/status", token=token))[2])
    assert answer == {"services": {"web": {"name": "web", "available": 1}}, "forwarded_ports": {}, "ips": None}
    token = tenant.token(leases=limited(desk.provider, "get-manifest", "db"))
    answer = json.loads((await gateway.call("GET", "/lease/7/1/1/manifest", token=token))[2])
    assert answer == [{"name": "g", "services": [{"name": "db"}]}]


@pytest.mark.parametrize("route", ["status", "manifest"])
async def test_a_lease_that_is_not_there(gateway, tenant, route) -> None:
    for lease in ("7/1/2", "7/2/1", "8/1/1"):
        answer = await gateway.call("GET", f"/lease/{lease}/{route}", token=tenant.token())
        assert answer == (404, "text/plain; charset=utf-8", "lease not found\n")


@pytest.mark.parametrize(("route", "scope"), [("status", "status"), ("manifest", "get-manifest")])
async def test_each_route_has_its_scope(gateway, tenant, route, scope) -> None:
    for asked, status in ((scope, 200), ("logs", 401)):
        token = tenant.token(leases={"access": "scoped", "scope": [asked]})
        assert (await gateway.call("GET", f"/lease/7/1/1/{route}", token=token))[0] == status


@pytest.mark.parametrize("path", ["x/1/1", "7/-1/1", "7/1/1.0", "7/4294967296/1", "7/1/٣"])
async def test_numbers_are_numbers(gateway, tenant, path) -> None:
    assert (await gateway.call("GET", f"/lease/{quote(path)}/status", token=tenant.token()))[0] == 400
