"""The steps of an escrow account against what a real node recorded, and what must hold whatever happens."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from hypothesis import given, settings
from hypothesis import strategies as st

from bidengine.escrow import under
from bidengine.settlement import Settled, Transfer, close, close_payment, deposit, settle, withdraw
from bidengine.views import Deposit, EscrowAccount, EscrowPayment
from manifests.coins import E18, Coin, DecCoin, parse_decimal
from manifests.ids import DeploymentID, LeaseID
from provider.chain import wire
from provider.chain.convert import answers, ids, values

OWNER, THIRD, GRANTER = "akash1t", "akash1third", "akash1granter"
D = DeploymentID(OWNER, 7)
P1, P2 = (LeaseID(OWNER, 7, gseq, 1, f"akash1p{gseq}") for gseq in (1, 2))
AKT_USD = parse_decimal("0.05")


def account(*deposits: tuple[str, int], at: int = 1000, owners: tuple[str, ...] = ()) -> EscrowAccount:
    made = tuple(
        Deposit(owners[n] if owners else OWNER, at, "balance", DecCoin(denom, amount * E18))
        for n, (denom, amount) in enumerate(deposits)
    )
    funds: dict[str, int] = {}
    for one in made:
        funds[one.left.denom] = funds.get(one.left.denom, 0) + one.left.amount_e18
    return EscrowAccount(D, "open", at, tuple(DecCoin(d, a) for d, a in funds.items()), made)


def payment(lease: LeaseID, rate: str, denom: str = "uact", **more: Any) -> EscrowPayment:
    made = EscrowPayment(lease, "open", DecCoin(denom, parse_decimal(rate)), 0, 0, Coin(denom, 0))
    return replace(made, **more)


def funds(settled: Settled, denom: str = "uact") -> int:
    return next(f.amount_e18 for f in settled.account.funds if f.denom == denom)


# Vectors of the reference texts.


def test_the_worked_example() -> None:
    """chain.md §5.7"""
    payments = (payment(P1, "12.345678"), payment(P2, "3.5"))
    first = withdraw(account(("uact", 5_000_000)), payments, 2000, P1)
    assert first.transfers == (Transfer("akash1p1", Coin("uact", 12_345), P1),)
    assert [p.balance_e18 for p in first.payments] == [0, 3_500 * E18]
    assert (funds(first), first.account.settled_at, first.overdrawn) == (4_984_155 * E18, 2000, False)
    late = withdraw(first.account, first.payments, 320_000, P1)
    assert late.overdrawn
    assert funds(late) == -54_770 * E18
    assert late.income(P1, "uact") == 3_925_925
    assert late.income(P2, "uact") == 3_500 + 1_058_230
    assert [p.unsettled_e18 for p in late.payments] == [0, 54_770 * E18]


def test_the_exhaustion_that_a_node_showed_and_its_repayment() -> None:
    """chain-probes.md §6"""
    payments = (payment(P1, "60000.5"), payment(P2, "100000"))
    dry = withdraw(account(("uact", 1_000_000), at=1092), payments, 1105, P1)
    assert (dry.income(P1, "uact"), dry.income(P2, "uact"), funds(dry)) == (780_006, 219_994, -1_080_006 * E18)
    assert [p.state for p in dry.payments] == ["overdrawn", "overdrawn"]
    more = Deposit(OWNER, 1200, "balance", DecCoin("uact", 2_000_000 * E18))
    paid = deposit(dry.account, dry.payments, [more], 1200)
    assert paid.transfers == (
        Transfer("akash1p2", Coin("uact", 1_080_006), P2), Transfer(OWNER, Coin("uact", 919_994)),
    )  # fmt: skip
    assert (paid.account.state, [p.state for p in paid.payments]) == ("closed", ["closed", "closed"])
    assert paid.account.settled_at == 1105


def test_the_numbers_of_the_reference_providers_test() -> None:
    """bidengine-inventory.md §16.5: 999,500 remain at height 200, which last 199,900 blocks."""
    now = settle(account(("uact", 1_000_000), at=100), [payment(P1, "5")], 200)
    assert funds(now) == 999_500 * E18
    assert not settle(now.account, now.payments, 200 + 199_900).overdrawn
    assert settle(now.account, now.payments, 200 + 199_901).overdrawn


def test_uakt_stands_in_and_wedges_the_account() -> None:
    """chain-probes.md §6"""
    start = account(("uact", 600_000), ("uakt", 100_000_000), at=0)
    paid = withdraw(start, [payment(P1, "60000.5")], 37, P1, AKT_USD)
    assert paid.transfers == (
        Transfer("akash1p1", Coin("uakt", 32_400_360), P1), Transfer("akash1p1", Coin("uact", 600_000), P1),
    )  # fmt: skip
    assert (paid.account.wedged, funds(paid)) == (True, -1_620_018 * E18)
    again = withdraw(paid.account, paid.payments, 60, P1, AKT_USD)
    assert (again.transfers, again.account) == ((), paid.account)
    over = close(paid.account, paid.payments, 70)
    assert over.transfers == (Transfer(OWNER, Coin("uakt", 67_599_640)),)
    assert [p.state for p in over.payments] == ["open"]


def test_without_halted_minting_uakt_goes_back() -> None:
    over = withdraw(account(("uact", 10), ("uakt", 500), at=0), [payment(P1, "5")], 3, P1)
    assert over.transfers == (Transfer("akash1p1", Coin("uact", 10), P1), Transfer(OWNER, Coin("uakt", 500)))
    assert over.overdrawn


# Rules.


def test_a_second_touch_in_a_block_pays_nobody_and_ends_nothing() -> None:
    """chain.md §5.6"""
    first = withdraw(account(("uact", 1000), at=0), [payment(P1, "5"), payment(P2, "7")], 10, P1)
    second = close_payment(first.account, first.payments, 10, P2)
    assert (second.transfers, second.account) == ((), first.account)
    assert [p.state for p in second.payments] == ["open", "open"]
    later = withdraw(second.account, second.payments, 11, P2)
    assert later.income(P2, "uact") == 77


def test_refunds_go_to_whoever_paid_oldest_first() -> None:
    start = account(("uact", 100), ("uact", 50), ("uakt", 9), at=0, owners=(OWNER, THIRD, GRANTER))
    granted = replace(start.deposits[2], source="grant")
    start = replace(start, deposits=(*start.deposits[:2], granted))
    over = close(start, [payment(P1, "12")], 10)
    assert over.transfers == (
        Transfer("akash1p1", Coin("uact", 120), P1),
        Transfer(THIRD, Coin("uact", 30)),
        Transfer(GRANTER, Coin("uakt", 9), granted=True),
    )
    assert (over.account.state, over.account.deposits) == ("closed", ())


def test_each_denomination_is_paid_from_its_own_deposits() -> None:
    start = account(("uact", 100), ("ibc/1", 30), at=0)
    settled = settle(start, [payment(P1, "5"), payment(P2, "2", "ibc/1")], 10)
    assert (funds(settled), funds(settled, "ibc/1")) == (50 * E18, 10 * E18)
    dry = settle(start, [payment(P1, "5"), payment(P2, "2", "ibc/1")], 16)
    assert (dry.income(P1, "uact"), dry.income(P2, "ibc/1"), dry.overdrawn) == (80, 30, True)


def test_a_late_deposit_rescues_what_nobody_has_touched() -> None:
    """chain-probes.md "Escrow" 7"""
    more = Deposit(THIRD, 30, "balance", DecCoin("uact", 500 * E18))
    filled = deposit(account(("uact", 100), at=0), [payment(P1, "5")], [more], 30)
    assert filled.account.settled_at == 0
    assert withdraw(filled.account, filled.payments, 31, P1).income(P1, "uact") == 155


def test_a_deployment_whose_number_goes_on_from_this_one_is_settled_with_it() -> None:
    longer = LeaseID(OWNER, 70, 1, 1, "akash1p1")
    other = LeaseID(OWNER, 8, 1, 1, "akash1p1")
    payments = [payment(one, "5") for one in (longer, other, P1)]
    assert [p.lease for p in under(D, payments)] == [P1, longer]


# What must hold.

RATES = st.lists(st.integers(0, 10**20), min_size=1, max_size=5)
PAUSES = st.lists(st.integers(0, 500), max_size=12)


def many(rates: list[int]) -> tuple[EscrowPayment, ...]:
    leases = [LeaseID(OWNER, 7, n + 1, 1, f"akash1p{n}") for n in range(len(rates))]
    return tuple(
        replace(payment(lease, "0"), rate=DecCoin("uact", rate)) for lease, rate in zip(leases, rates, strict=True)
    )


@settings(deadline=None)
@given(st.integers(0, 10**7), RATES, PAUSES, st.integers(0, 4))
def test_accrued_and_left_and_withdrawn_are_what_was_deposited(
    amount: int, rates: list[int], pauses: list[int], who: int
) -> None:
    now = Settled(account(("uact", amount), at=0), many(rates))
    height = 0
    for n, pause in enumerate(pauses):
        height += pause
        lease = now.payments[(n + who) % len(rates)].lease
        now = withdraw(now.account, now.payments, height, lease)
        withdrawn = sum(p.withdrawn.amount for p in now.payments)
        waiting = sum(p.balance_e18 for p in now.payments)
        left = sum(d.left.amount_e18 for d in now.account.deposits)
        assert withdrawn * E18 + waiting + left == amount * E18
        debt = sum(p.unsettled_e18 for p in now.payments)
        assert funds(now) == left - debt
        assert now.overdrawn is bool(debt)


@settings(deadline=None)
@given(st.integers(0, 10**7), RATES, PAUSES)
def test_steps_settle_what_one_step_would_but_for_what_they_cut_off(
    amount: int, rates: list[int], pauses: list[int]
) -> None:
    start, height = account(("uact", amount), at=0), 0
    stepped = Settled(start, many(rates))
    for pause in pauses:
        height += pause
        stepped = settle(stepped.account, stepped.payments, height)
        if stepped.overdrawn:
            return
    once = settle(start, many(rates), height)
    for a, b in zip(stepped.payments, once.payments, strict=True):
        if not once.overdrawn:
            assert 0 <= b.balance_e18 - a.balance_e18 < max(1, len(pauses)) * E18
    if all(rate % E18 == 0 for rate in rates):
        assert (once.account, once.payments) == (stepped.account, stepped.payments)


# A real node's word.

COMPARED = {
    "S1-life": 40,
    "S2-provider-side": 102,
    "S3-escrow": 246,
    "S6-reclamation": 102,
    "S8-breaker-fallback": 43,
    "S8-denoms-bme": 8,
}
"""accounts and payments with a past, in each recording"""
PRICE = {"S8-breaker-fallback": parse_decimal("0.2")}
"""minting is halted in the whole of this recording, at this price"""


@pytest.mark.parametrize("name", COMPARED)
def test_every_recorded_account_is_reached_step_by_step(name: str, shared: Path) -> None:
    """Each message of the recording moves our accounts; after each block they must be the node's, with every
    deposit, balance and debt; and whatever we say is paid was paid, in that order."""
    recording = shared / "conformance" / "chain" / f"{name}.jsonl"
    if not recording.exists():
        pytest.skip(f"{name}.jsonl is missing from the shared conformance data")
    play = Play(PRICE.get(name))
    for line in recording.read_text().splitlines():
        row = json.loads(line)
        if "height" in row:
            play.block(row)
        elif "query" in row:
            play.answer(row)
    assert play.compared == COMPARED[name]


class Play:
    def __init__(self, akt_usd_e18: int | None) -> None:
        self.price = akt_usd_e18
        self.now: dict[DeploymentID, Settled] = {}
        self.said: dict[tuple[str, str, int], Any] = {}
        self.compared = 0

    def block(self, row: dict[str, Any]) -> None:
        for tx, result in zip(row["txs"], row["results"], strict=True):
            if result["code"]:
                continue
            paid: list[Transfer] = []
            for msg in messages(tx["bytes"]):
                for step in self.steps(msg, int(row["height"])):
                    paid += step.transfers
                    self.now[step.account.deployment] = step
            moved = iter(transfers(result["events"]))
            assert all((t.to, str(t.coin)) in moved for t in paid), (tx["note"], paid)

    def steps(self, msg: Any, height: int) -> Iterator[Settled]:
        kind, price = msg.DESCRIPTOR.name, self.price
        if kind == "MsgWithdrawLease":
            lease = ids.lease_id(msg.id)
            yield withdraw(*self.of(lease.deployment), height, lease, price)
        elif kind in ("MsgCloseBid", "MsgCloseLease"):
            lease = ids.lease_id(msg.id)
            if lease in self.leases(lease.deployment):
                yield close_payment(*self.of(lease.deployment), height, lease, price)
        elif kind in ("MsgPauseGroup", "MsgCloseGroup"):
            group = ids.group_id(msg.id)
            for lease in self.leases(group.deployment):
                if lease.group == group:
                    yield close_payment(*self.of(lease.deployment), height, lease, price)
        elif kind == "MsgCloseDeployment":
            yield close(*self.of(ids.deployment_id(msg.id)), height, price)
        elif kind == "MsgCreateLease":
            deployment = ids.lease_id(msg.bid_id).deployment
            if deployment in self.now:
                before = self.now[deployment]
                # What the running leases have earned is taken from the account and given to nobody (chain.md §5.6).
                after = settle(before.account, before.payments, height, price)
                yield Settled(after.account, before.payments)
        elif kind == "MsgAccountDeposit" and msg.id.scope == 1:
            deployment, coin = DeploymentID.parse(msg.id.xid), values.coin(msg.deposit.amount)
            made = Deposit(msg.signer, height, "balance", DecCoin(coin.denom, coin.amount * E18))
            yield deposit(*self.of(deployment), [made], height)

    def of(self, deployment: DeploymentID) -> tuple[EscrowAccount, tuple[EscrowPayment, ...]]:
        found = self.now[deployment]
        return found.account, found.payments

    def leases(self, deployment: DeploymentID) -> list[LeaseID]:
        return [p.lease for p in self.now[deployment].payments if p.state != "closed"]

    def answer(self, row: dict[str, Any]) -> None:
        method, request = row["query"].rpartition("/")[2], row["request"]
        if not row["query"].startswith("akash.escrow.v1.Query/") or "error" in row or "state" in request:
            return
        key = (method, json.dumps(request, sort_keys=True))
        response = row["response"] if "response" in row else self.said[(*key, row["same_as"])]
        self.said[(*key, row["at"])] = response
        xid = request.get("xid", "").removeprefix("deployment/")
        if xid.count("/") != 1 or not xid.partition("/")[2]:
            return
        deployment = DeploymentID.parse(xid)
        if method == "Accounts":
            for w in response["accounts"]:
                told = answers.escrow_account(parsed("akash.escrow.types.v1.Account", w))
                if told.deployment == deployment:
                    self.tell(told)
        else:
            rows = [answers.escrow_payment(parsed("akash.escrow.types.v1.Payment", w)) for w in response["payments"]]
            self.pay(deployment, [p for p in rows if p.lease.deployment == deployment])

    def tell(self, told: EscrowAccount) -> None:
        if told.deployment not in self.now:
            self.now[told.deployment] = Settled(told, ())
            return
        assert self.now[told.deployment].account == told
        self.compared += 1

    def pay(self, deployment: DeploymentID, told: list[EscrowPayment]) -> None:
        if deployment not in self.now:
            return  # its creation was refused
        found = self.now[deployment]
        ours = {p.lease: p for p in found.payments}
        for one in told:
            if one.lease in ours:
                assert ours[one.lease] == one
                self.compared += 1
            ours[one.lease] = one  # a new lease: its rate is the bid's
        self.now[deployment] = replace(found, payments=tuple(ours.values()))


def messages(tx: str) -> list[Any]:
    raw = wire.message("cosmos.tx.v1beta1.TxRaw").FromString(base64.b64decode(tx))
    body = wire.message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes)
    return [wire.unpack(packed) for packed in body.messages]


def parsed(name: str, value: dict[str, Any]) -> Any:
    return json_format.ParseDict(value, wire.message(name)(), ignore_unknown_fields=True, descriptor_pool=wire.POOL)


def transfers(events: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for event in events:
        if event["type"] == "coin_received":
            told = {a["key"]: a["value"] for a in event["attributes"]}
            yield told["receiver"], told["amount"]
