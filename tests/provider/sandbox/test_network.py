"""The sandbox's surroundings are complete: what a daemon and a tenant find there, and what is left afterwards."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from manifests.ids import OrderID
from manifests.resources import Requirements, SignedBy
from manifests.sdl import Compiled
from provider.cluster.api.kinds import CUSTOM_RESOURCE, INGRESS_CLASS, MANIFEST, NAMESPACE, STORAGE_CLASS
from provider.ledger.decisions import Decided, Decisions
from provider.ledger.store import Store
from provider.sandbox.network import AKT_USD_E18, CLASSES, NODES
from provider.settings import load

ORDER = OrderID("akash1tenant", 1, 1, 1)


async def test_a_provider_is_registered_and_audited_and_everybody_has_money(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        net, latest = town.net, town.net.chain.latest
        record = await latest.provider(net.provider.address)
        assert record.host_uri == f"https://{net.settings.gateway.listen}"
        assert (await latest.audited(net.provider.address))[net.auditor.address] == record.attributes
        keys = {a.key for a in record.attributes}
        for spec in NODES:
            for label in (label for label in spec.labels if label.startswith("akash.network/")):
                vendor, _, card = label.removeprefix("akash.network/capabilities.gpu.vendor.").partition(".model.")
                wanted = f"capabilities/gpu/vendor/{vendor}/model/" + card.replace(".", "/")
                assert wanted in keys, "what the nodes have is what the record says"
        for key in (net.provider, net.auditor, net.tenant.key):
            assert await net.chain.account(key.address) is not None


async def test_the_providers_key_is_for_nobody_elses_eyes(in_town: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "provider.hex").touch(mode=0o644)
    async with in_town():
        assert stat.S_IMODE((tmp_path / "provider.hex").stat().st_mode) == 0o600


async def test_the_cluster_has_what_an_operators_chart_brings(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        kube = town.net.kube
        assert {o["spec"]["names"]["kind"] for o in await kube.all(CUSTOM_RESOURCE)} >= {"Manifest", "ProviderHost"}
        assert await kube.get(NAMESPACE, None, "lease")
        assert await kube.get(INGRESS_CLASS, None, town.net.settings.cluster.ingress_class)
        assert {o["metadata"]["name"] for o in await kube.all(STORAGE_CLASS)} >= set(CLASSES) - {"default"}
        assert await kube.all(MANIFEST, "lease") == []


async def test_its_oracle_has_a_price_that_does_not_go_stale(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        await town.net.node.fast_forward(10_000)
        price = await town.net.chain.latest.oracle_price()
        assert (price.usd_e18, price.healthy) == (AKT_USD_E18, True)


async def test_the_settings_are_also_in_a_file(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        assert load(town.work / "akp.yaml") == town.net.settings


async def test_blocks_count_six_seconds_however_fast_they_come(in_town: Callable[..., Any]) -> None:
    async with in_town(block_s=0.05, chain_block_s=6.0) as town:
        heads = [await town.net.chain.head()]
        async for block in town.net.chain.follow(after=heads[0].height):
            assert block.time_unix_ns - heads[0].time_unix_ns == 6 * 10**9 * (block.height - heads[0].height)
            if block.height >= heads[0].height + 3:
                break


async def test_two_networks_stand_side_by_side(in_town: Callable[..., Any], tmp_path: Any) -> None:
    async with in_town() as one, in_town() as other:
        assert one.net.node.grpc_url != other.net.node.grpc_url
        assert one.net.settings.gateway.listen != other.net.settings.gateway.listen


async def test_the_reason_for_no_bid_is_the_daemons_last_word(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        net = town.net
        assert await net.why_no_bid(ORDER) == "the daemon has no ledger yet"
        async with Store.open(net.ledger) as store:
            assert await net.why_no_bid(ORDER) == ""
            await Decisions(store).note(
                Decided(ORDER, 1, "skip.capacity.storage_class", "0 B are free"),
                Decided(ORDER, 2, "skip.capacity.aggregate", "needs 2"),
            )
            assert await net.why_no_bid(ORDER) == "skip.capacity.aggregate: needs 2"
            await Decisions(store).note(Decided(ORDER, 3, "bid"))
            assert await net.why_no_bid(ORDER) == ""


@pytest.mark.parametrize(
    ("asked", "played"),
    [
        (SignedBy(), lambda a: SignedBy()),
        (SignedBy(all_of=("akash1x", "akash1y")), lambda a: SignedBy(all_of=(a,))),
        (SignedBy(any_of=("akash1x",)), lambda a: SignedBy(any_of=(a,))),
    ],
    ids=["nobody", "all of", "any of"],
)
async def test_auditors_are_played_by_its_own(
    asked: SignedBy, played: Callable[[str], SignedBy], in_town: Callable[..., Any], web: Compiled
) -> None:
    group = replace(web.groups[0], requirements=Requirements(asked, ()))
    async with in_town() as town:
        found = town.net.played(replace(web, groups=(group,)))
        assert found.groups[0].requirements.signed_by == played(town.net.auditor.address)
        assert found.manifest == web.manifest
        assert found.version == web.version


async def test_nothing_is_left_of_it(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        kubeconfig = town.net.settings.cluster.kubeconfig
        assert kubeconfig.exists()
    assert not kubeconfig.exists()
