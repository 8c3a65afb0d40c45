"""Money in escrow: the arithmetic, and the ways it goes astray on the real chain too."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from provider.sandbox.chain.escrow import ACCOUNTS, PAYMENTS
from provider.sandbox.chain.genesis import ESCROW

E18 = 10**18
OPEN, CLOSED, OVERDRAWN = 1, 2, 3


def leased(chain: Any, price: int = 100_000 * E18, deposit: int = 500_000, dseq: int = 1) -> int:
    """A deployment with one lease of p1; returns the lease's height."""
    chain.must("tenant", chain.deployment(dseq, deposit=deposit))
    chain.must("p1", chain.bid(price=price, dseq=dseq))
    chain.must("tenant", chain.lease(dseq=dseq))
    return int(chain.app.height)


def wait(chain: Any, blocks: int) -> None:
    """So that the next tx is in block `blocks` from now."""
    for _ in range(blocks - 1):
        chain.block()


def funds(account: Any) -> dict[str, int]:
    return {f.denom: int(f.amount) // E18 for f in account.funds}


@pytest.mark.parametrize(
    ("rate_e18", "blocks", "paid"),
    [(E18, 4, 4), (15 * E18 // 10, 3, 4), (4 * E18 // 10, 10, 4), (4 * E18 // 10, 2, 0), (E18 - 1, 1, 0)],
)
def test_a_withdrawal_pays_whole_units_of_the_blocks_since_settlement(
    chain: Any, rate_e18: int, blocks: int, paid: int
) -> None:
    leased(chain, price=rate_e18)
    before = chain.balance("p1", "uact")
    wait(chain, blocks)
    chain.must("p1", chain.on_lease("WithdrawLease"))
    assert chain.balance("p1", "uact") - before == paid
    assert funds(chain.account()) == {"uact": 500_000 - paid}
    assert int(chain.payment().withdrawn.amount) == paid


@pytest.mark.parametrize(("blocks", "state", "left", "lease_state"), [(5, OPEN, 0, 1), (6, OVERDRAWN, -100_000, 2)])
def test_the_dry_block_is_exact(chain: Any, blocks: int, state: int, left: int, lease_state: int) -> None:
    leased(chain)
    before = chain.balance("p1", "uact")
    wait(chain, blocks)
    chain.must("p1", chain.on_lease("WithdrawLease"))
    assert chain.balance("p1", "uact") - before == 500_000
    assert chain.account().state == state
    assert funds(chain.account()) == {"uact": left}
    assert chain.ask("akash.market.v1beta5.Query/Lease", id=chain.bid_id()).lease.state == lease_state


def test_a_withdrawal_from_a_dry_account_closes_everything_and_still_succeeds(chain: Any) -> None:
    leased(chain)
    wait(chain, 8)
    answer = chain.must("p1", chain.on_lease("WithdrawLease"))
    assert [e.type.rpartition(".")[2] for e in answer.events if e.type.startswith("akash.")] == [
        "EventDeploymentClosed",
        "EventGroupClosed",
        "EventOrderClosed",
        "EventBidClosed",
        "EventLeaseClosed",
    ]
    assert chain.send("p1", chain.on_lease("WithdrawLease")).log.endswith("payment closed")


def test_a_debt_is_paid_by_later_deposits_and_the_surplus_returns(chain: Any) -> None:
    leased(chain)
    wait(chain, 8)
    chain.must("p1", chain.on_lease("WithdrawLease"))
    p1, tenant = chain.balance("p1", "uact"), chain.balance("tenant", "uact")
    chain.must("tenant", chain.top_up(amount=100_000))
    assert chain.balance("p1", "uact") - p1 == 100_000
    assert (chain.account().state, funds(chain.account())) == (OVERDRAWN, {"uact": -200_000})
    chain.must("tenant", chain.top_up(amount=1_000_000))
    assert chain.balance("p1", "uact") - p1 == 300_000
    assert tenant - chain.balance("tenant", "uact") == 300_000
    assert (chain.account().state, chain.payment().state) == (CLOSED, CLOSED)
    assert chain.send("tenant", chain.top_up()).code == 2


def test_a_late_deposit_saves_a_dry_lease_nobody_touched(chain: Any) -> None:
    leased(chain)
    wait(chain, 20)
    chain.must("tenant", chain.top_up(amount=9_000_000))
    before = chain.balance("p1", "uact")
    chain.must("p1", chain.on_lease("WithdrawLease"))
    assert chain.balance("p1", "uact") - before == 2_100_000
    assert chain.account().state == OPEN


def test_a_second_withdrawal_in_one_block_panics_and_costs_the_fee(chain: Any) -> None:
    leased(chain)
    wait(chain, 3)
    sequence = chain.sequence("p1")
    txs = [chain.tx("p1", chain.on_lease("WithdrawLease"), sequence=sequence + n) for n in (0, 1)]
    first, second = chain.block(*txs).results
    assert first.code == 0
    assert (second.codespace, second.code) == ("undefined", 111222)
    assert second.log.startswith("recovered: couldn't find payment aid:<scope:deployment xid:")
    assert chain.sequence("p1") == sequence + 2


def test_a_close_after_a_settlement_in_the_same_block_leaves_the_payment_open(chain: Any) -> None:
    leased(chain, price=E18, deposit=5_000_000)
    wait(chain, 3)
    chain.must("p1", chain.on_lease("WithdrawLease"), chain.on_lease("CloseBid", reason=10_000))
    lease = chain.ask("akash.market.v1beta5.Query/Lease", id=chain.bid_id())
    assert (lease.lease.state, lease.escrow_payment.state.state) == (3, OPEN)
    before = chain.balance("p1", "uact")
    wait(chain, 4)
    chain.must("p1", chain.on_lease("WithdrawLease"))
    assert chain.balance("p1", "uact") - before == 4


def test_a_new_lease_drops_what_the_running_one_had_earned(chain: Any) -> None:
    groups = [chain.deployment().groups[0] for _ in range(2)]
    groups[1].name = "second"
    chain.must("tenant", chain.deployment(groups=groups))
    chain.must("p1", chain.bid(price=100 * E18))
    chain.must("p2", chain.bid("p2", gseq=2))
    chain.must("tenant", chain.lease())
    wait(chain, 9)
    chain.must("tenant", chain.lease("p2", gseq=2))
    assert funds(chain.account()) == {"uact": 5_000_000 - 900}
    assert (int(chain.payment().balance.amount), int(chain.payment().withdrawn.amount)) == (0, 0)
    before = chain.balance("p1", "uact")
    chain.must("p1", chain.on_lease("WithdrawLease"))
    assert chain.balance("p1", "uact") - before == 100


def test_settling_a_deployment_also_charges_it_for_one_whose_number_begins_alike(chain: Any) -> None:
    leased(chain, price=10 * E18, deposit=5_000_000, dseq=90)
    leased(chain, price=7 * E18, deposit=5_000_000, dseq=901)
    wait(chain, 2)
    chain.must("p1", chain.on_lease("WithdrawLease", dseq=90))
    blocks = 3 + 2
    assert funds(chain.account(90)) == {"uact": 5_000_000 - blocks * 17}
    assert funds(chain.account(901)) == {"uact": 5_000_000}
    assert int(chain.payment(dseq=901).balance.amount) == blocks * 7 * E18


def test_strangers_and_second_coins_get_their_deposits_back(chain: Any) -> None:
    leased(chain, price=E18, deposit=1_000_000)
    chain.must("p2", chain.top_up("p2", 300))
    chain.must("tenant", chain.top_up(amount=40, denom="uakt"))
    before = chain.balance("p2", "uact")
    assert funds(chain.account()) == {"uact": 1_000_300, "uakt": 40}
    tenant_uakt = chain.balance("tenant")
    chain.must("tenant", chain.close_deployment())
    assert chain.balance("p2", "uact") - before == 300
    assert chain.balance("tenant") == tenant_uakt + 40 - 50_000
    assert not chain.account().deposits


def test_nothing_appears_or_vanishes_but_what_the_dropped_accrual_leaves_behind(chain: Any) -> None:
    everybody = ("tenant", "p1", "p2", "p3", "auditor")
    before = sum(chain.balance(name, "uact") for name in everybody)
    leased(chain, price=12_345_678 * 10**12, deposit=700_000)
    wait(chain, 17)
    chain.must("p1", chain.on_lease("WithdrawLease"))
    wait(chain, 5)
    chain.must("tenant", chain.close_deployment())
    assert sum(chain.balance(name, "uact") for name in everybody) == before


@pytest.mark.parametrize("seed", range(6))
def test_whatever_happens_no_coin_is_made_or_lost_and_escrow_can_pay_what_it_owes(chain: Any, seed: int) -> None:
    """A random walk over all messages, several in a block, so that the hazards happen too."""
    dice = random.Random(seed)
    state = chain.app._store

    def totals() -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        everything, held, owed = Counter[str](), Counter[str](), Counter[str]()
        reader = state.at(chain.app.height)
        for (address, denom), amount in reader.scan("balance"):
            everything[denom] += amount
            if address == ESCROW:
                held[denom] += amount
        for _, account in ACCOUNTS.scan(reader):
            for entry in account.state.deposits:
                owed[entry.balance.denom] += int(entry.balance.amount) // E18
        for _, payment in PAYMENTS.scan(reader):
            owed[payment.state.balance.denom] += int(payment.state.balance.amount) // E18
        return dict(everything), dict(held), dict(owed)

    before, _, _ = totals()
    answered: Counter[str] = Counter()
    for step in range(60):
        txs = []
        ahead: Counter[str] = Counter()
        for _ in range(dice.randrange(1, 6)):
            where = {"dseq": dice.choice([1, 12]) + 20 * (step // 12), "oseq": dice.choice([1, 1, 2])}
            who, dseq = dice.choice(["p1", "p2"]), where["dseq"]
            signer, msg = dice.choice(
                [
                    ("tenant", chain.deployment(dseq, deposit=dice.choice([500_000, 3_000_000]))),
                    ("tenant", chain.lease(who, **where)),
                    ("tenant", chain.on_lease("CloseLease", who, **where)),
                    ("tenant", chain.top_up(amount=dice.choice([1, 40_000]), dseq=dseq)),
                    ("tenant", chain.on_group(dice.choice(["Pause", "Start", "Close"]), dseq)),
                    ("tenant", chain.close_deployment(dseq)) if dice.random() < 0.2 else (who, chain.bid(who, **where)),
                    (who, chain.bid(who, price=dice.choice([12 * E18 // 10, 70_000 * E18]), **where)),
                    (who, chain.on_lease("CloseBid", who, 10_000, **where)),
                    (who, chain.on_lease("WithdrawLease", who, **where)),
                ]
            )
            txs.append(chain.tx(signer, msg, sequence=chain.sequence(signer) + ahead[signer]))
            ahead[signer] += 1
        for result in chain.block(*txs).results:
            answered["done" if result.code == 0 else "refused"] += 1
        everything, held, owed = totals()
        assert everything == before
        assert all(held.get(denom, 0) >= amount for denom, amount in owed.items())
    assert answered["done"] > 10
    assert answered["refused"] > 10
