"""A small real life on any node that can be reached: a testnet, a devnet, or the sandbox chain.

    AKP_E2E_NODE=rpc,grpc AKP_E2E_MNEMONIC="…" pytest e2e/tests/test_node.py

First the chain alone, then the daemon on it, with the sandbox's stand-in for a cluster. The words' first account is
the provider, and needs some uakt. The tenant is the first account of AKP_E2E_TENANT_MNEMONIC, or the second of the same
words; it needs 1 ACT and some uakt. Everything that is opened is closed at the end, also when a test fails; what stays
is the provider's record with an attribute of this suite, by which no other provider matches its orders. Skipped by
name without the variables.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest

from manifests.coins import Coin, DecCoin
from manifests.ids import DeploymentID, LeaseID, OrderID
from manifests.resources import Attribute
from manifests.sdl import compile_sdl
from provider.chain import familiar
from provider.chain.certs import certificate_of, make_certificate
from provider.chain.client import Chain
from provider.chain.events import BidCreated, LeaseCreated, TxResult
from provider.chain.keys import Key
from provider.chain.messages import (
    CloseBid,
    CloseDeployment,
    CreateBid,
    CreateCertificate,
    CreateDeployment,
    CreateLease,
    CreateProvider,
    Msg,
    RevokeCertificate,
    UpdateProvider,
    WithdrawLease,
)
from provider.chain.tx import once
from provider.cluster.api.kube import Kube
from provider.errors import AkpError, NotFound, Retry
from provider.sandbox.cluster import EmbeddedCluster
from provider.sandbox.life import STEPS, Life, Surroundings
from provider.sandbox.network import NODES, PRICES, furnish, kept_port
from provider.sandbox.tenant import Tenant
from provider.sandbox.town import living
from provider.settings import ChainSettings, ClusterSettings, NodeSettings, Settings, load

MARK = "akp-e2e"
"""attribute that the order demands and only our record has"""
DEPOSIT = Coin("uact", 500_000)
RATE = DecCoin("uact", 10 * 10**18)
FEES_UAKT = 1_500_000
"""what each account should hold at least: deposits of bids and a few fees"""
SDL = """
version: "2.0"
services:
  web: {{image: "docker.io/library/web:1", expose: [{{port: 8080, as: 80, to: [{{global: true}}]}}]}}
profiles:
  compute: {{web: {{resources: {{cpu: {{units: 100m}}, memory: {{size: 64Mi}}, storage: {{size: 128Mi}}}}}}}}
  placement: {{here: {{attributes: {{{mark}: "{value}"}}, pricing: {{web: {{denom: uact, amount: 1000}}}}}}}}
deployment: {{web: {{here: {{profile: web, count: 1}}}}}}
"""


@dataclass
class Place:
    """A chain, and two accounts on it."""

    chain: Chain
    settings: ChainSettings
    provider: Key
    tenant: Key
    words: str
    """the provider's"""

    async def does(self, key: Key, *msgs: Msg) -> once.Landed:
        return await once.send(self.chain, key, await once.draft(self.chain, key, msgs, self.settings))

    async def after(self, blocks: int) -> int:
        """The height when so many more blocks have come."""
        height = (await self.chain.head()).height
        async for block in self.chain.follow(after=height):
            if block.height >= height + blocks:
                break
        return height + blocks

    async def told(self, landed: once.Landed) -> TxResult:
        """One transaction, as the follower reads it."""
        async for block in self.chain.follow(after=landed.height - 1):
            return next(tx for tx in block.txs if tx.hash == landed.hash)
        raise AssertionError("no block")


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    node, words = os.environ.get("AKP_E2E_NODE", ""), os.environ.get("AKP_E2E_MNEMONIC", "")
    if not node or not words:
        pytest.skip("AKP_E2E_NODE=rpc,grpc and AKP_E2E_MNEMONIC name a node and an account; one of them is not set")
    rpc, _, grpc = node.partition(",")
    doors = NodeSettings(rpc=rpc, grpc=grpc)
    async with httpx.AsyncClient() as http:
        status = (await http.get(f"{doors.rpc}/status")).json()["result"]
    settings = ChainSettings(id=status["node_info"]["network"], nodes=(doors,), tx_timeout_s=590)
    theirs = os.environ.get("AKP_E2E_TENANT_MNEMONIC", "")
    tenant = Key.from_mnemonic(theirs) if theirs else Key.from_mnemonic(words, 1)
    async with Chain.connect(settings) as chain:
        yield Place(chain, settings, Key.from_mnemonic(words), tenant, words)


async def test_the_node_serves_the_chain_it_names_at_both_doors_and_speaks_our_versions(place: Place) -> None:
    (node,) = place.chain.endpoints.all
    for _ in range(100):  # one door is asked after the other, and blocks come meanwhile
        await place.chain.head()
        await place.chain.latest.market_params()
        if place.chain.endpoints.in_step(node) and abs(node.rpc.height - node.grpc.height) <= 3:
            break
        await asyncio.sleep(0.2)
    assert place.chain.endpoints.in_step(node)
    assert abs(node.rpc.height - node.grpc.height) <= 3
    software = await place.chain.latest.software()
    assert software.version
    assert familiar.gone(software.modules) == []
    assert (await place.chain.latest.market_params()).order_max_bids > 0


async def test_the_accounts_hold_what_a_life_costs(place: Place) -> None:
    for key, denom, needed in (
        (place.provider, "uakt", FEES_UAKT),
        (place.tenant, "uakt", FEES_UAKT),
        (place.tenant, "uact", 2 * DEPOSIT.amount),
    ):
        held = (await place.chain.latest.balances(key.address)).get(denom, 0)
        assert held >= needed, f"{key.address} holds {held}{denom}, give it {needed}{denom}"
        assert await place.chain.account(key.address) is not None


async def test_blocks_are_followed_one_by_one_as_they_come(place: Place) -> None:
    first, heights = (await place.chain.head()).height, []
    async for block in place.chain.follow(after=first):
        heights.append(block.height)
        if len(heights) == 3:
            break
    assert heights == [first + 1, first + 2, first + 3]
    assert place.chain.block_time_ms > 0


async def test_the_record_is_there_and_says_what_we_made_it_say(place: Place) -> None:
    record = await registered(place)
    assert Attribute(MARK, value_of(place)) in record.attributes
    assert (await place.chain.latest.provider(place.provider.address)).owner == place.provider.address


async def test_a_certificate_is_published_found_and_revoked(place: Place) -> None:
    owner = place.provider.address
    now = dt.datetime.fromtimestamp((await place.chain.head()).time_unix_ns / 1e9, dt.UTC)
    certificate, public_key, _ = make_certificate(owner, ["akp-e2e.example.com"], now=now)
    serial = certificate_of(certificate).serial_number
    await place.does(place.provider, CreateCertificate(owner, certificate, public_key))
    try:
        found = await place.chain.latest.certificate(owner, serial)
        assert found is not None
        assert (found.state, certificate_of(found.cert_pem).serial_number) == ("valid", serial)
    finally:
        await place.does(place.provider, RevokeCertificate(owner, serial))
    found = await place.chain.latest.certificate(owner, serial)
    assert found is not None
    assert found.state == "revoked"


async def test_a_lease_lives_pays_and_is_closed_with_everything_given_back(place: Place) -> None:
    await registered(place)
    us, latest = place.provider.address, place.chain.latest
    deployment = DeploymentID(place.tenant.address, time.time_ns() // 10**6)
    order = OrderID(deployment.owner, deployment.dseq, 1, 1)
    lease = order.bid_of(us)
    made = compile_sdl(SDL.format(mark=MARK, value=value_of(place)))
    deposit = next(coin for coin in (await latest.market_params()).bid_min_deposits if coin.denom == "uakt")
    try:
        await place.does(place.tenant, CreateDeployment(deployment, made.groups, made.version, DEPOSIT))
        assert (await latest.order(order)).state == "open"
        bid = await place.does(place.provider, CreateBid(lease, RATE, deposit))
        assert BidCreated(lease, RATE) in (await place.told(bid)).events
        assert [b.state for b in await latest.bids_on(order)] == ["open"]
        won = await place.does(place.tenant, CreateLease(lease))
        assert LeaseCreated(lease, RATE) in (await place.told(won)).events
        assert (await latest.lease(lease)).live

        await place.after(blocks=3)
        paid = await place.does(place.provider, WithdrawLease(lease))
        received = [m.coin for m in (await place.told(paid)).money if m.account == us]
        earned = (paid.height - won.height) * RATE.amount_e18 // 10**18
        assert sum(coin.amount for coin in received if coin.denom == "uact") == earned
        (payment,) = await latest.escrow_payments(deployment)
        assert payment.withdrawn == Coin("uact", earned)
    finally:
        await ended(place, deployment, lease)
    found = await latest.lease(lease)
    assert (found.live, (await latest.order(order)).state) == (False, "closed")
    assert [b.state for b in await latest.bids_on(order)] == ["closed"]
    (payment,) = await latest.escrow_payments(deployment)
    assert payment.state == "closed"
    assert payment.withdrawn.amount == (found.closed_on - found.created_at) * RATE.amount_e18 // 10**18


async def test_the_daemon_lives_a_tenants_whole_life_on_it(place: Place, tmp_path: Path) -> None:
    before, dseq = await registered(place), time.time_ns() // 10**6
    lease = OrderID(place.tenant.address, dseq, 1, 1).bid_of(place.provider.address)
    valid = {c.cert_pem for c in await place.chain.latest.certificates(place.provider.address)}
    async with AsyncExitStack() as open_:
        port = open_.enter_context(kept_port())
        embedded = await open_.enter_async_context(EmbeddedCluster(NODES[:1]))
        cluster = ClusterSettings(
            kubeconfig=embedded.kubeconfig, ingress_domain="ingress.example.com", public_hostname="akp-e2e.example.com"
        )
        settings = settings_in(tmp_path, place, cluster, port)
        await place.does(place.provider, says(place, before, f"https://{settings.gateway.listen}"))
        try:
            async with Kube.connect(cluster) as kube:
                await furnish(kube)
                around = Surroundings(place.chain, kube, settings.data / "ledger.db", unknown)
                compiled = compile_sdl(SDL.format(mark=MARK, value=value_of(place)))
                who = Tenant(place.chain, cast(Any, Hand(place)), place.tenant)
                life = Life(who, around, compiled, dseq=dseq, deposit=DEPOSIT, patience_s=300)
                async with living(Household(settings)):
                    timeline = await life.run()
        finally:
            await ended(place, lease.deployment, lease)
            await place.does(place.provider, says(place, before, before.host_uri))
            for one in await place.chain.latest.certificates(place.provider.address):
                if one.cert_pem not in valid:
                    serial = certificate_of(one.cert_pem).serial_number
                    await place.does(place.provider, RevokeCertificate(place.provider.address, serial))
    assert tuple(step["step"] for step in timeline) == STEPS
    settled = timeline[STEPS.index("settled")]
    assert settled["amount"] == settled["ledger"] == settled["leases"][0]["owed"] > 0


@dataclass
class Hand:
    """The tenant's signer: one transaction after another."""

    place: Place

    async def send(self, msg: Msg) -> str:
        return (await self.place.does(self.place.tenant, msg)).hash


def settings_in(work: Path, place: Place, cluster: ClusterSettings, port: int) -> Settings:
    """A daemon that serves the tenant of this suite and nobody else."""
    (work / "words").write_text(place.words)
    (work / "prices.yaml").write_text(PRICES)
    ours = {"allow": {"entries": [{"owner": place.tenant.address}]}}
    (work / "policy.yaml").write_text(json.dumps({"owners": ours, "orderAttributes": {MARK: value_of(place)}}))
    values = {
        "chain": json.loads(place.settings.model_dump_json()),
        "key": {"mnemonic_file": str(work / "words")},
        "cluster": json.loads(cluster.model_dump_json(exclude_defaults=True)),
        "bid": {"prices": str(work / "prices.yaml"), "policy": str(work / "policy.yaml"), "timeout_s": 7200},
        "lease": {"manifest_timeout_s": 7200},
        "gateway": {"listen": f"127.0.0.1:{port}"},
        "metrics": {"listen": "127.0.0.1:0"},
        "data": str(work),
    }
    (work / "akp.yaml").write_text(json.dumps(values))
    return load(work / "akp.yaml")


@dataclass
class Household:
    """What `living` needs."""

    settings: Settings


async def unknown(order: OrderID) -> str:
    return ""


def says(place: Place, record: UpdateProvider, host_uri: str) -> UpdateProvider:
    """The record, with the gateway at this address."""
    return UpdateProvider(place.provider.address, host_uri, record.attributes, record.email, record.website)


def value_of(place: Place) -> str:
    return place.provider.address[-8:]


async def registered(place: Place) -> UpdateProvider:
    """The record, made or completed with the attribute that our order demands."""
    us, mark = place.provider.address, Attribute(MARK, value_of(place))
    try:
        record = await place.chain.latest.provider_record(us)
    except NotFound:
        await place.does(place.provider, CreateProvider(us, "https://akp-e2e.example.com:8443", (mark,)))
        return await place.chain.latest.provider_record(us)
    if mark not in record.attributes:
        rest = tuple(a for a in record.attributes if a.key != MARK)
        await place.does(
            place.provider, UpdateProvider(us, record.host_uri, (*rest, mark), record.email, record.website)
        )
    return await place.chain.latest.provider_record(us)


async def ended(place: Place, deployment: DeploymentID, lease: LeaseID) -> None:
    """Nothing stays open, wherever the test came to; a node that does not answer now is asked again."""
    for _ in range(5):
        with suppress(Retry):
            try:
                if (await place.chain.latest.deployment(deployment)).state != "active":
                    break
            except NotFound:
                break
            await place.does(place.tenant, CloseDeployment(deployment))
            break
    with suppress(AkpError):  # the deployment's end closes it, unless the bid came later
        if (await place.chain.latest.bid(lease)).state == "open":
            await place.does(place.provider, CloseBid(lease, 10_001))
