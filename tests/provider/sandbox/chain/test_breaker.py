"""How much collateral stands behind ACT, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from provider.chain.wire import message
from provider.sandbox.chain import bank, breaker, dec
from provider.sandbox.chain.context import Context, Registry
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.gas import UNLIMITED, Meter
from provider.sandbox.chain.genesis import BME, BmeParams, Genesis
from provider.sandbox.chain.oracle import AGGREGATES, HEALTH
from provider.sandbox.chain.store import Layer, Store

E18 = 10**18
PARAMS = BmeParams(min_epoch_blocks=10)


@pytest.fixture
def at() -> Callable[..., Context]:
    """A state in which the vault holds so many uakt, AKT costs 1 USD, and 10,000 uact are about."""

    def made(vault: int, outstanding: int = 10_000, healthy: bool = True, waiting: int = 0) -> Context:
        ctx = Context(Layer(Store().at(0)), 7, 0, Genesis.default({}, bme=PARAMS), Registry(), Meter(UNLIMITED))
        bank.credit(ctx.store, BME, (("uakt", vault),))
        bank.issue(ctx.store, (("uact", outstanding),))
        ctx.store.put(breaker.PENDING_BALANCE, ("uakt",), waiting)
        ctx.put(AGGREGATES, ("akt", "usd"), message(AGGREGATES.record)(denom="akt", twap=str(E18)))
        ctx.put(HEALTH, ("akt", "usd"), message(HEALTH.record)(denom="akt", is_healthy=healthy))
        return ctx

    return made


@pytest.mark.parametrize(
    ("vault", "status", "blocks"),
    [
        (40_000, breaker.HEALTHY, 10),
        (9_501, breaker.HEALTHY, 10),
        (9_500, breaker.WARNING, 10),
        (9_491, breaker.WARNING, 10),
        (9_490, breaker.WARNING, 11),
        (9_400, breaker.WARNING, 25),
        (9_001, breaker.WARNING, 1_067),
        (9_000, breaker.HALT_CR, 10),
        (0, breaker.HALT_CR, 10),
    ],
)
def test_the_ratio_decides(at: Callable[..., Context], vault: int, status: int, blocks: int) -> None:
    ctx = at(vault)
    found, changed = breaker.update(ctx)
    assert (found.status, found.epoch_blocks) == (status, blocks)
    assert changed is (status != breaker.HALT_CR), "it starts halted"
    assert breaker.status(ctx, PARAMS) == found
    assert breaker.update(ctx) == (found, False)


def test_a_change_is_told_with_the_ratio(at: Callable[..., Context]) -> None:
    ctx = at(9_400)
    breaker.update(ctx)
    (event,) = ctx.log.events
    assert event.type == "akash.bme.v1.EventMintStatusChange"
    assert dict(event.attributes) == {
        "collateral_ratio": '"0.940000000000000000"',
        "new_status": '"mint_status_warning"',
        "previous_status": '"mint_status_halt_cr"',
    }


def test_without_a_good_price_everything_halts(at: Callable[..., Context]) -> None:
    ctx = at(40_000, healthy=False)
    found, changed = breaker.update(ctx)
    assert (found.status, changed) == (breaker.HALT_ORACLE, True)
    assert ("collateral_ratio", '"0.000000000000000000"') in ctx.log.events[0].attributes
    with pytest.raises(ChainError):
        breaker.collateral_ratio_e18(ctx)


def test_what_waits_is_no_collateral(at: Callable[..., Context]) -> None:
    assert breaker.collateral_ratio_e18(at(9_000, waiting=1_000)) == 8 * E18 // 10


def test_with_no_act_about_the_vault_itself_counts(at: Callable[..., Context]) -> None:
    assert breaker.collateral_ratio_e18(at(9_000, outstanding=0)) == dec.of(9_000)
