"""What `akp money` and `akp ledger usage` say that leases earned is what the chain credited, whatever became of them:
over the sandbox chain's own rules."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bidengine.notation import parse_group
from manifests.coins import E18, Coin, DecCoin, trunc
from manifests.ids import DeploymentID, LeaseID
from manifests.resources import Attribute
from provider.chain.keys import Key
from provider.chain.messages import (
    CloseDeployment,
    CloseLease,
    CreateBid,
    CreateDeployment,
    CreateLease,
    Deposit,
    Msg,
    UpdateProvider,
    WithdrawLease,
)
from provider.ledger.store import Store
from tests.provider.market.history import FRIEND, TENANT, US, Bookkeeper, Market

LONGER = LeaseID(TENANT.address, 75, 1, 1, US.address)
A, B = (LeaseID(TENANT.address, 7, gseq, 1, US.address) for gseq in (1, 2))
CARD = (Attribute("capabilities/gpu/vendor/nvidia/model/h100", "true"),)
GOOD = LeaseID(FRIEND.address, 8, 1, 1, US.address)
"""of another tenant, without a GPU, at 5 a block, never settled"""


@dataclass
class Scene:
    market: Market
    keeper: Bookkeeper

    async def put(self, *signed: tuple[Key, list[Msg]]) -> None:
        block = await self.market.put(*[await self.market.tx(key, msgs) for key, msgs in signed])
        assert [tx.code for tx in block.txs] == [0] * len(signed), block.txs
        await self.keeper.take(block)

    async def rest(self, blocks: int) -> None:
        for _ in range(blocks):
            await self.put()

    async def leased(
        self,
        tenant: Key,
        *leases: LeaseID,
        rate_e18: int = 400 * E18,
        deposit: int = 900_000,
        gpus: str = ",1xnvidia/h100",
        beside: tuple[tuple[Key, list[Msg]], ...] = (),
    ) -> None:
        """A bid on each group of one deployment; the tenant takes the first, and others act in the same block."""
        spec = parse_group(f"1cpu,1Gi,1Gi:ephemeral{gpus}")
        priced = tuple(replace(unit, price=DecCoin("uact", 100_000 * E18)) for unit in spec.resources)
        groups = tuple(replace(spec, name=f"g{lease.gseq}", resources=priced) for lease in leases)
        deployment = DeploymentID(tenant.address, leases[0].dseq)
        await self.put((tenant, [CreateDeployment(deployment, groups, b"h" * 32, Coin("uact", deposit))]))
        price = DecCoin("uact", rate_e18)
        await self.put((US, [CreateBid(lease, price, Coin("uakt", 500_000)) for lease in leases]))
        await self.put((tenant, [CreateLease(leases[0])]), *beside)


async def ran_dry(scene: Scene) -> None:
    await scene.leased(TENANT, A, rate_e18=90_000 * E18 + E18 // 2, deposit=500_000)
    await scene.rest(12)
    await scene.put((US, [WithdrawLease(A)]))


async def debt_paid_later(scene: Scene) -> None:
    await ran_dry(scene)
    await scene.rest(3)
    await scene.put((TENANT, [Deposit(TENANT.address, A.deployment, Coin("uact", 2_000_000))]))


async def dropped_by_a_second_lease(scene: Scene) -> None:
    await scene.leased(TENANT, A, B)
    await scene.rest(8)
    await scene.put((TENANT, [CreateLease(B)]))
    await scene.rest(3)
    await scene.put((US, [WithdrawLease(A)]))
    await scene.put((TENANT, [CloseDeployment(A.deployment)]))


async def left_open(scene: Scene) -> None:
    await scene.leased(TENANT, A, B)
    await scene.put((TENANT, [CreateLease(B)]))
    await scene.rest(3)
    await scene.put((TENANT, [CloseLease(A), CloseLease(B)]))
    await scene.rest(9)


async def left_open_and_collected_later(scene: Scene) -> None:
    await left_open(scene)
    await scene.put((US, [WithdrawLease(B)]))


async def settled_often_at_a_fraction(scene: Scene) -> None:
    await scene.leased(TENANT, A, rate_e18=4 * E18 // 10)
    for blocks in (1, 2, 3, 4):
        await scene.rest(blocks)
        await scene.put((US, [WithdrawLease(A)]))
    await scene.put((TENANT, [CloseLease(A)]))


async def credited_in_its_first_block(scene: Scene) -> None:
    """Who settles dseq 7 settles dseq 75 of the same tenant too, as if it had run as long (chain.md §1.9)."""
    await scene.leased(TENANT, A)
    await scene.leased(TENANT, LONGER, beside=((US, [WithdrawLease(A)]),))
    await scene.keeper.is_equal()
    await scene.rest(2)
    await scene.put((TENANT, [CloseLease(LONGER)]))
    await scene.put((TENANT, [CloseLease(A)]))


Play = Callable[[Scene], Awaitable[None]]
PLAYS: dict[Play, dict[LeaseID, int]] = {
    ran_dry: {A: 500_000},
    debt_paid_later: {A: 13 * 90_000 + 6},
    dropped_by_a_second_lease: {A: 5 * 400, B: 5 * 400},
    left_open: {A: 4 * 400, B: 4 * 400},
    left_open_and_collected_later: {A: 4 * 400, B: 14 * 400},
    credited_in_its_first_block: {A: 3 * 400 + 4 * 400, LONGER: 3 * 400 + 3 * 400},
    settled_often_at_a_fraction: {A: 0 + 1 + 1 + 2},
}
"""and what the chain credited, reckoned by hand: the beginning of B took what A had earned since its own"""


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_what_leases_earned_is_what_the_chain_credited(akp: Callable[..., Any], tmp_path: Path, play: Play) -> None:
    chain, head = asyncio.run(_played(tmp_path, play))
    assert chain == PLAYS[play] | {GOOD: 0}
    rows = {LeaseID.parse(row["lease"]): row for row in asked(akp, tmp_path, "money", "leases")}
    whole = {lease: asked(akp, tmp_path, "ledger", "usage", "--lease", str(lease)) for lease in rows}
    good = 5 * (head - rows[GOOD]["from_height"])
    for lease, row in rows.items():
        ahead = good if lease == GOOD else 0
        assert (row["earned"]["amount"], row["forecast"]["amount"]) == (chain[lease] + ahead, ahead)
        assert row["unpaid"]["amount"] == row["earned"]["amount"] - row["paid"].get("uact", 0) >= 0
        used = whole[lease]
        assert (used["amount"], used["forecast"], used["blocks"]) == (chain[lease] + ahead, ahead, row["blocks"])
        assert sum(block["amount"] for block in used["per_block"]) == used["amount"]
        assert used["paid"] == row["paid"].get("uact", 0)
        days = [used["from"], *range(used["from"] + 3, used["to"], 7), used["to"]]
        parts = [
            asked(akp, tmp_path, "ledger", "usage", "--lease", str(lease), "--from", str(a), "--to", str(b), "--totals")
            for a, b in pairwise(days)
        ]
        for figure in ("amount", "forecast", "blocks", "paid"):
            assert sum(part[figure] for part in parts) == used[figure], f"{figure} of {lease}, day by day"
    for group, of_a, of_good in (("tenant", TENANT.address, FRIEND.address), ("gpu", "unknown gpu", "")):
        sums: Counter[str] = Counter()
        for row in rows.values():
            sums[row[group]] += row["earned"]["amount"]
        assert sums == {of_a: sum(PLAYS[play].values()), of_good: good}


@pytest.mark.parametrize("play", PLAYS, ids=lambda play: play.__name__)
def test_what_was_paid_is_the_same_however_it_is_summed(akp: Callable[..., Any], tmp_path: Path, play: Play) -> None:
    asyncio.run(_played(tmp_path, play))
    paid = sum(row["paid"].get("uact", 0) for row in asked(akp, tmp_path, "money", "leases"))
    for by in ("day", "lease", "tenant", "gpu"):
        assert sum(r["gross"].get("uact", 0) for r in asked(akp, tmp_path, "money", "summary", "--by", by)) == paid


def test_blocks_after_the_end_are_told_only_where_they_earned(akp: Callable[..., Any], tmp_path: Path) -> None:
    asyncio.run(_played(tmp_path, left_open_and_collected_later))
    used = asked(akp, tmp_path, "ledger", "usage", "--lease", str(B))
    *lived, last = used["per_block"]
    assert (len(lived), {row["amount"] for row in lived}) == (used["blocks"], {400})
    assert last == {
        "height": used["to"], "rate": "0.000000000000000000", "amount": 10 * 400, "cpu_milli": 0, "memory_bytes": 0,
        "gpu_units": 0, "storage_bytes": 0,
    }  # fmt: skip


def asked(akp: Callable[..., Any], data: Path, *words: str) -> Any:
    said = akp(*words, "--data", data, "-o", "json")
    assert said.code == 0, said.err
    return json.loads(said.out)


async def _played(data: Path, play: Play) -> tuple[dict[LeaseID, int], int]:
    """Our leases and what the chain has credited them by its own records, and the last height."""
    market = Market(parse_group("1cpu,1Gi"))
    await market.begin()
    async with Store.open(data / "ledger.db") as store:
        scene = Scene(market, Bookkeeper(market, store))
        await scene.keeper.start()
        await scene.put((US, [UpdateProvider(US.address, "https://us.test:8443", CARD)]))
        await scene.leased(FRIEND, GOOD, rate_e18=5 * E18, gpus="")
        await play(scene)
        await scene.rest(2)
        await scene.keeper.is_equal()
    chain = market.at()
    found = {}
    for lease in await chain.leases(US.address):
        payments = {p.lease: p for p in await chain.escrow_payments(lease.id.deployment)}
        found[lease.id] = payments[lease.id].withdrawn.amount + trunc(payments[lease.id].balance_e18)
    return found, market.height
