"""The operator's policy in the whole daemon, over the sandbox chain and its gateway: what changes while it runs counts,
what is lost changes nothing, and every counter there is moves (product.md D14)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from manifests.coins import Coin
from manifests.resources import Attribute, Requirements, SignedBy
from provider.chain.messages import CloseDeployment, CreateLease, SignAttributes
from provider.chain.tx.signer import Signer
from provider.errors import ConfigError, Refused
from provider.ledger.decisions import Decisions
from provider.ledger.store import Store
from provider.metrics import Metrics
from provider.sandbox.town import living
from provider.settings import Settings
from provider.tasks import spawn

MONEY = Coin("uact", 5_000_000)


def under(town: Any, policy: str, **lease: Any) -> Any:
    """The network with a policy file for its daemon."""
    (town.work / "policy.yaml").write_text(policy)
    settings: Settings = town.net.settings
    bid = settings.bid.model_copy(update={"policy": town.work / "policy.yaml"})
    update = {"bid": bid, "lease": settings.lease.model_copy(update=lease)}
    return replace(town.net, settings=settings.model_copy(update=update))


async def last_word(town: Any, dseq: int) -> str:
    """What was last decided: `bid`, or the code of the decline; "" before there is anything."""
    found = await last_decision(town, dseq)
    return "" if found is None else found.outcome


async def last_decision(town: Any, dseq: int) -> Any:
    if not town.net.ledger.exists():
        return None
    async with Store.open(town.net.ledger, readonly=True) as store:
        return next(reversed(await Decisions(store).of(town.order(dseq))), None)


async def decided(town: Any, until: Any, dseq: int, word: str) -> None:
    async def look() -> bool:
        return await last_word(town, dseq) == word

    await until(f"{word} on order {dseq}", look)


def asking(compiled: Any, requirements: Requirements) -> Any:
    return replace(compiled, groups=tuple(replace(group, requirements=requirements) for group in compiled.groups))


async def test_tenants_are_denied_and_let_in_again_without_a_restart(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town:
        tenant = town.net.tenant
        net = under(town, f"owners: {{deny: {{entries: [{{owner: {tenant.key.address}}}]}}}}")
        async with living(net):
            await tenant.post(town.compiled, 7, MONEY)
            await decided(town, until, 7, "skip.owner_denied")
            (town.work / "policy.yaml").write_text("")
            await tenant.post(town.compiled, 8, MONEY)
            await decided(town, until, 8, "skip.owner_denied")
            (town.work / "policy.yaml").write_text("{}")
            await decided(town, until, 7, "bid")
            await decided(town, until, 8, "bid")
            (town.work / "maintenance").write_text("moving")
            await tenant.post(town.compiled, 9, MONEY)
            await decided(town, until, 9, "skip.maintenance")
            (town.work / "maintenance").unlink()
            await decided(town, until, 9, "bid")


@pytest.mark.parametrize("loss", ["truncated", "gone"])
async def test_d16_prices_that_are_lost_while_it_runs_make_nothing_cheaper(
    in_town: Callable[..., Any], until: Any, loss: str
) -> None:
    async with in_town(chain_block_s=6.0) as town:  # as long as blocks are taken to be before any is measured
        net, prices = town.net, town.net.settings.bid.prices
        async with living(net):
            await net.tenant.post(town.compiled, 7, MONEY)
            await decided(town, until, 7, "bid")
            prices.write_text("") if loss == "truncated" else prices.unlink()
            await net.tenant.post(town.compiled, 8, MONEY)
            await decided(town, until, 8, "bid")
            offers = [(await last_decision(town, dseq)).price for dseq in (7, 8)]
            assert offers[0] == offers[1] != ""
        with pytest.raises(BaseExceptionGroup) as end:
            async with living(net):
                raise AssertionError("it starts without prices")
        assert end.group_contains(ConfigError, match=r"prices\.yaml")


async def test_what_auditors_sign_and_tenants_ask_for_is_taken_from_blocks(
    in_town: Callable[..., Any], until: Any
) -> None:
    async with in_town() as town, living(town.net):
        net = town.net
        auditor = net.auditor.address
        moon = (Attribute("region", "moon"),)
        await net.tenant.post(asking(town.compiled, Requirements(SignedBy((), (auditor,)), moon)), 7, MONEY)
        await decided(town, until, 7, "skip.audit_signature")
        record = await net.chain.latest.provider(net.provider.address)
        await _signed_by_the_auditor(town, (*record.attributes, *moon))

        async def seen() -> bool:
            return Attribute("region", "moon") in (await net.chain.latest.audited(net.provider.address))[auditor]

        await until("the signature is on chain", seen)
        # Now only our own attributes speak against it: the signature has been taken from its block.
        await decided(town, until, 7, "skip.attributes")


async def _signed_by_the_auditor(town: Any, attributes: tuple[Attribute, ...]) -> None:
    """The sandbox keeps its own signer for the tenant alone; this one sends once."""
    net = town.net
    signer = Signer(net.chain, net.auditor, net.settings.chain)
    async with asyncio.TaskGroup() as tasks:
        running = spawn(tasks, "auditor", signer.run())
        await signer.send(SignAttributes(net.auditor.address, net.provider.address, attributes))
        running.cancel()


async def test_an_image_that_is_refused_leaves_a_lease_without_a_manifest(
    in_town: Callable[..., Any], until: Any
) -> None:
    async with in_town() as town:
        net = under(town, "images: {allow: [registry.example.com]}", manifest_timeout_s=10)
        async with living(net) as running:
            lease = town.our_lease()
            await net.tenant.post(town.compiled, 7, MONEY)
            await decided(town, until, 7, "bid")

            async def bid_is_there() -> bool:
                return bool(await net.chain.latest.bids_on(town.order()))

            await until("the bid", bid_is_there)
            await net.tenant.send(CreateLease(lease))
            said: list[str] = []

            async def refused() -> bool:
                async with await net.tenant.gateway(running.address) as gateway:
                    with pytest.raises(Refused) as no:
                        await gateway.send_manifest(7, town.compiled)
                said.append(str(no.value))
                return "422" in said[-1]

            await until("the manifest is refused for its image", refused)
            assert "manifest rejected: [0].services[0].image: service 'web'" in said[-1]
            assert "images.allow: registry.example.com" in said[-1]

            async def closed() -> bool:
                found = await net.chain.latest.lease(lease)
                return (found.state, found.reason) == ("closed", 10003)

            await until("the lease is closed as one without a manifest", closed)


async def test_d14_every_counter_moves(in_town: Callable[..., Any], until: Any) -> None:
    """A bid that fails in its block (its order closed before it), an order declined, and one whole life."""
    async with in_town() as town:
        net = town.net
        await net.tenant.post(town.compiled, 8, MONEY)

        async def order_is_there() -> bool:
            return town.order(8) in {order.id for order in await net.chain.latest.orders()}

        await until("the order", order_is_there)
        net.node.chaos.producing = False
        await net.tenant.send(CloseDeployment(town.order(8).deployment))  # first in the next block
        async with living(net) as running:
            await decided(town, until, 8, "bid")
            net.node.chaos.producing = True
            await decided(town, until, 8, "fail.tx.market.24")
            mars = Requirements(SignedBy(), (Attribute("region", "mars"),))
            await net.tenant.post(asking(town.compiled, mars), 9, MONEY)
            await decided(town, until, 9, "skip.attributes")
            await town.life().run()
            async with httpx.AsyncClient(trust_env=False, timeout=180) as http:
                text = (await http.get(f"http://127.0.0.1:{running.health_port}/metrics")).text
    moved = {
        (family.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        if family.type == "counter"
        for sample in family.samples
        if sample.name.endswith("_total") and sample.value > 0
    }
    counters = {c._name for c in vars(Metrics()).values() if isinstance(c, Counter)}
    # Of strategies that ask somebody else and of auto-pricing, of parameters, chaos and the signer: their own tests.
    others = {"akp_pricing_errors", "akp_auto_price_steps", "akp_parameter_changes"}
    others |= {"akp_chain_reloads", "akp_blocks_skipped"}
    counters.discard("akp_tx_retries")  # whether a simulation meets the block of a settlement is up to chance
    assert counters - {name for name, *_ in moved} == others, "counted somewhere, and nowhere moved"
    assert 'akp_wallet_balance_tokens{denom="uakt"} 99' in text, "nearly the million it began with"
    assert moved["akp_declines", "fail.tx.market.24"] == moved["akp_declines", "skip.attributes"] == 1
    assert moved["akp_messages_failed", "CreateBid"] == 1
    assert (moved["akp_bids", "sent"], moved["akp_bids", "refused"]) == (2, 1)
    assert moved["akp_leases_closed", "1"] == 1
