"""What tenants are told."""

from __future__ import annotations

from dataclasses import replace
from json import dumps, loads
from types import SimpleNamespace as Some

import pytest

from manifests.ids import OrderID
from provider.cluster.routes.waiting import Waiting, Why
from provider.errors import Blame, Unreachable
from provider.gateway.desk import Answer
from provider.gateway.reception import Reception
from provider.market.leases.problem import Problem

from .desks import STRANGER, TENANT, US, Desk, compiled


@pytest.fixture
def desk() -> Desk:
    return Desk(compiled("01-web.yaml"))


async def test_every_answer_is_counted(desk: Desk) -> None:
    await desk.put()
    await desk.put(b"")
    await desk.put(dseq=8)
    text = desk.metrics.text().decode()
    for answer in ("200", "422", "404"):
        assert f'akp_manifests_total{{answer="{answer}"}} 1.0' in text


async def test_the_status_of_a_lease_is_the_clusters(desk: Desk) -> None:
    (lease,) = desk.leases
    await desk.put()
    assert desk.reception.lease_status(lease) == {"services": {}, "forwarded_ports": None, "ips": None}
    running = {"services": {"web": {"name": "web", "available": 1}}, "forwarded_ports": {}, "ips": None}
    desk.cluster.running[lease] = running
    assert desk.reception.lease_status(lease) == running
    desk.life.problems[lease] = Problem("quota exceeded", Blame.CLUSTER)
    assert desk.reception.lease_status(lease) == {**running, "errors": ["quota exceeded"]}


@pytest.mark.parametrize("missing", ["the manifest", "the lease", "it is another's"])
async def test_there_is_no_status_without_lease_and_manifest(desk: Desk, missing: str) -> None:
    (lease,) = desk.leases
    if missing != "the manifest":
        await desk.put()
    if missing == "the lease":
        desk.book.leases.clear()
    if missing == "it is another's":
        lease = replace(lease, owner=STRANGER)
    for question in (desk.reception.lease_status, desk.reception.lease_manifest):
        with pytest.raises(Answer) as no:
            question(lease)
        assert (no.value.status, no.value.text) == (404, "lease not found")


async def test_a_manifest_can_be_read_back(desk: Desk) -> None:
    await desk.put()
    assert desk.reception.lease_manifest(desk.leases[0]) == loads(desk.body)


async def test_the_providers_status(desk: Desk) -> None:
    """gateway-auth.md §5.1: figures in milli-CPU, cards and bytes, one element per reservation."""
    await desk.put()
    order = OrderID(STRANGER, 9, 1, 1)
    spec = desk.book.orders[desk.leases[0].order].spec
    desk.room.hold(order, spec, desk.room.fit(spec), height=5)
    held = {"cpu": 100, "gpu": 0, "memory": 64 << 20, "storage_ephemeral": 128 << 20, "storage": {}}
    left = {
        "cpu": 63_800,
        "gpu": 12,
        "memory": (64 << 30) - (128 << 20),
        "storage_ephemeral": (1 << 40) - (256 << 20),
    }
    assert desk.reception.status() == {
        "cluster": {
            "leases": 1,
            "inventory": {
                "available": {
                    "nodes": [{"name": "n1", "available": left}],
                    "storage": [{"class": "beta3", "size": 1 << 40}],
                },
                "active": [held],
                "pending": [held],
            },
        },
        "bidengine": {"orders": 3},
        "manifest": {"deployments": 1},
        "cluster_public_hostname": "provider.test",
        "address": US,
    }
    dumps(desk.reception.status())


def test_a_reclamation_window_is_told_in_nanoseconds(desk: Desk) -> None:
    offering = Reception(
        desk.book, desk.room, desk.life, desk.reception.cluster, lambda: desk.chain, desk.reception.metrics,
        public_hostname="", kube_version={}, open_orders=lambda: 0, reclamation_window_s=3600,
    )  # fmt: skip
    assert offering.status()["reclamation_window"] == 3_600_000_000_000


def test_the_version_is_one_that_console_does_not_hide(desk: Desk) -> None:
    found = desk.reception.version()
    assert found["kube"] == {"gitVersion": "v1.34.0"}
    sdk = tuple(int(part) for part in found["akash"]["cosmos_sdk_version"].removeprefix("v").split("."))
    assert sdk >= (0, 45, 9)


# Who a caller is, as the chain has it.


async def test_certificates_and_keys_are_the_chains(desk: Desk) -> None:
    desk.chain.certificates = {
        (TENANT, 1): Some(state="valid", cert_pem=b"PEM"),
        (TENANT, 2): Some(state="revoked", cert_pem=b"OLD"),
    }
    desk.chain.accounts = {TENANT: Some(public_key=b"key")}
    assert await desk.reception.certificate(TENANT, 1) == b"PEM"
    assert await desk.reception.certificate(TENANT, 2) is None
    assert await desk.reception.certificate(TENANT, 3) is None
    assert await desk.reception.account_key(TENANT) == b"key"
    assert await desk.reception.account_key(STRANGER) is None
    desk.chain.trouble = Unreachable("no node answers")
    for question in (desk.reception.certificate(TENANT, 1), desk.reception.account_key(TENANT)):
        with pytest.raises(Answer) as no:
            await question
        assert no.value.status == 503


async def test_what_is_not_reached_yet_is_told_with_the_status(desk: Desk) -> None:
    await desk.put()
    (lease,) = desk.leases
    desk.cluster.reach.told = (Waiting("host", "a.example", Why.ELSEWHERE, "host name a.example leads elsewhere"),)
    assert desk.reception.lease_status(lease)["errors"] == ["host name a.example leads elsewhere"]


async def test_names_move_to_a_live_lease(desk: Desk) -> None:
    await desk.reception.migrate_hostnames(TENANT, 7, 1, ["a.example"], lambda lease, service: None)
    await desk.reception.migrate_endpoints(TENANT, 7, 1, ["mine"], lambda lease, service: None)
    assert desk.cluster.reach.moved == ["a.example", "mine"]
    for move in (desk.reception.migrate_hostnames, desk.reception.migrate_endpoints):
        with pytest.raises(Answer, match="destination deployment does not exist"):
            await move(TENANT, 8, 1, ["a.example"], lambda lease, service: None)
