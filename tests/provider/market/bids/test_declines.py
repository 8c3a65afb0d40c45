"""Every reason an order, the operator or the wallet can give, reached on the way from an order to a bid: what the
ledger and the metrics say of it, that nothing was held for it (product.md D5), and what cures it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bidengine.room import Room
from manifests.bech32 import encode
from manifests.coins import E18, Coin, DecCoin
from manifests.ids import OrderID
from manifests.resources import Attribute, Requirements, SignedBy, Storage
from provider.chain.events import Block, OrderClosed
from provider.chain.messages import CreateBid
from provider.errors import TxRefused
from provider.ledger.decisions import Decided
from provider.settings import BidSettings

US, TENANT, OTHER = "akash1us", encode("akash", b"\1" * 20), encode("akash", b"\2" * 20)


def order(play: Any, dseq: int = 1, **changes: Any) -> OrderID:
    """An ordinary order of TENANT that we would bid on, but for the changes: of its spec or, named so, of the order."""
    key = replace(play.chain.add_order(dseq), owner=changes.pop("owner", TENANT))
    made = replace(play.chain.orders_[replace(key, owner="akash1tenant")], id=key)
    of_order = {name: changes.pop(name) for name in ("created_at", "reclamation_min_window_s") if name in changes}
    play.book.orders[key] = replace(made, spec=replace(made.spec, **changes), **of_order)
    return key


def unit(play: Any, **changes: Any) -> Any:
    """The order's one unit with other resources."""
    found = play.chain.orders_[play.chain.add_order(99)].spec.resources[0]
    count = changes.pop("count", found.count)
    return replace(found, resources=replace(found.resources, **changes), count=count)


@dataclass(frozen=True)
class Case:
    code: str
    words: str
    policy: str = ""
    order: Callable[[Any], dict[str, Any]] = lambda play: {}
    """what is unusual about the order"""
    also: Callable[[Any, OrderID], None] = lambda play, key: None

    def arrange(self, play: Any) -> OrderID:
        if self.policy:
            play.policy(self.policy)
        key = order(play, **self.order(play))
        self.also(play, key)
        return key


def paused(play: Any, key: OrderID) -> None:
    play.orders.judge.policies.maintenance.turn(True, "moving")
    play.tick()


def crowded(play: Any, key: OrderID) -> None:
    play.book.bids_on[key] = {f"akash1p{n}" for n in range(21)}


def units(play: Any, **changes: Any) -> dict[str, Any]:
    return {"resources": (unit(play, **changes),)}


def asks(**pairs: str) -> dict[str, Any]:
    return {"requirements": Requirements(SignedBy(), tuple(Attribute(k, v) for k, v in pairs.items()))}


BETA9 = Storage("data", 1 << 30, (Attribute("class", "beta9"), Attribute("persistent", "true")))
FIVE = tuple(Storage(f"v{n}", 1 << 20) for n in range(5))
CASES = {
    "denied": Case(
        "skip.owner_denied", "miner", f"owners: {{deny: {{entries: [{{owner: {TENANT}, reason: miner}}]}}}}"
    ),
    "our own": Case("skip.owner_denied", "our own account's", order=lambda p: {"owner": US}),
    "not allowed": Case(
        "skip.owner_not_allowed", "on no list", f"owners: {{allow: {{entries: [{{owner: {OTHER}}}]}}}}"
    ),
    "a required list that was never loaded": Case(
        "skip.policy.lists", "127.0.0.1:1/x", "owners: {deny: {urls: [{url: 'http://127.0.0.1:1/x', required: true}]}}"
    ),
    "paused": Case("skip.maintenance", "moving", also=paused),
    "too old": Case("skip.order_too_old", "42 s old", "maxOrderAgeSeconds: 20", lambda p: {"created_at": 1}),
    "too many bids": Case("skip.max_bids", "21 bids", also=crowded),
    "another denomination": Case(
        "skip.denom", "uakt", order=lambda p: {"resources": (replace(unit(p), price=DecCoin("uakt", 10**6 * E18)),)}
    ),
    "nonsense": Case("skip.policy.group", "asks for nothing", order=lambda p: {"resources": ()}),
    "not asking for our region": Case("skip.policy.order_attributes", "region=eu", "orderAttributes: {region: eu}"),
    "too large": Case("skip.policy.limits", "100 millicpu", "limits: {unit: {cpuMilli: {max: 50}}}"),
    "too many replicas": Case(
        "skip.policy.limits", "10 replicas", "limits: {group: {replicas: {max: 9}}}", lambda p: units(p, count=10)
    ),
    "too many volumes": Case("skip.policy.volumes", "5 volumes", order=lambda p: units(p, storage=FIVE)),
    "attributes we lack": Case("skip.attributes", "region=mars", order=lambda p: asks(region="mars")),
    "an auditor who has not signed": Case(
        "skip.audit_signature", "akash1a", order=lambda p: {"requirements": Requirements(SignedBy(("akash1a",)))}
    ),
    "storage we do not publish": Case("skip.capability", "beta9", order=lambda p: units(p, storage=(BETA9,))),
    "a trusted execution environment": Case("skip.tee", "tee/type=cpu", order=lambda p: asks(**{"tee/type": "cpu"})),
    "notice we do not give": Case(
        "skip.reclaim_window", "7200 s of notice", order=lambda p: {"reclamation_min_window_s": 7200}
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_d5_a_declined_order_holds_nothing_at_any_moment(
    name: str, play: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference held room first and asked afterwards; here nothing is even looked for."""
    case = CASES[name]
    touched: list[str] = []
    for verb in ("fit", "hold"):
        monkeypatch.setattr(Room, verb, lambda *_, verb=verb, **__: touched.append(verb))
    key = case.arrange(play)
    await play.orders.handle(key)
    assert touched == []
    assert play.sent == []
    assert told(play, key) == case.code
    assert case.words in play.orders.declined[key].detail


def told(play: Any, key: OrderID) -> str:
    """The code of the decline: one and the same in memory, in the ledger's note and in the metrics."""
    no = play.orders.declined[key]
    (note,) = [n for n in play.orders.notes.pending if n.order == key and isinstance(n, Decided)]
    assert (note.outcome, note.detail) == (no.code, no.detail)
    assert play.orders.metrics.registry.get_sample_value("akp_declines_total", {"reason": no.code}) == 1
    return str(no.code)


async def test_an_ordinary_order_is_bid_on(play: Any) -> None:
    await play.orders.handle(order(play))
    assert [type(msg) for msg in play.sent] == [CreateBid]


async def again(play: Any, key: OrderID) -> int:
    """Look at all that waits; how many bids there are."""
    while len(play.orders.queue):
        found = await play.orders.queue.get()
        await play.orders.handle(found)
        play.orders.queue.done(found)
    return len(play.sent)


CURES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "denied": ("denied", lambda p: p.policy("{}")),
    "the policy, final as it was": ("too large", lambda p: p.policy("{}")),
    "its age": ("too old", lambda p: p.policy("maxOrderAgeSeconds: 99")),
    "the switch": ("paused", lambda p: [p.orders.judge.policies.maintenance.turn(False), p.tick()]),
}


@pytest.mark.parametrize("name", CURES)
async def test_what_the_operator_changes_is_considered_again(name: str, play: Any) -> None:
    case, cure = CURES[name]
    key = CASES[case].arrange(play)
    await play.orders.handle(key)
    play.tick()
    assert await again(play, key) == 0
    cure(play)
    assert await again(play, key) == 1
    assert key not in play.orders.declined


async def test_an_entry_that_ends_lets_the_order_in(play: Any) -> None:
    play.policy(f"owners: {{deny: {{entries: [{{owner: {TENANT}, until: '1970-01-01T00:00:30Z'}}]}}}}")
    key = order(play)
    await play.orders.handle(key)
    assert told(play, key) == "skip.owner_denied"
    while play.book.time_unix_ns < 24 * 10**9:
        play.tick()
    assert await again(play, key) == 0, "24 s"
    play.tick()
    assert await again(play, key) == 1, "30 s"


async def test_a_tenant_gets_his_share_and_the_next_when_one_is_over(play: Any) -> None:
    play.policy("mostPerOwner: 2")
    keys = [order(play, n) for n in range(3)]
    other = order(play, 9, owner="akash1other")
    for key in (*keys, other):
        await play.orders.handle(key)
    assert [msg.id.order for msg in play.sent] == [*keys[:2], other]
    assert told(play, keys[2]) == "skip.policy.quota"
    play.tick()
    play.room.release(keys[0])
    del play.book.orders[keys[0]]
    play.tick()
    assert await again(play, keys[2]) == 4


async def test_a_wallet_that_is_too_low_stops_bidding_until_there_is_money(play: Any) -> None:
    wallet = play.orders.judge.wallet
    play.chain.balances_ = {"uakt": 1_500_000}
    await wallet.read()
    keys = [order(play, n) for n in range(3)]
    for key in keys:
        await play.orders.handle(key)
    assert [msg.id.order for msg in play.sent] == keys[:2], "what two deposits leave is the reserve for fees, less one"
    assert told(play, keys[2]) == "skip.wallet_low"
    assert play.orders.declined[keys[2]].detail.startswith(
        "akash1us pays deposits and lacks 250000uakt for one of 500000uakt with 250000uakt kept back"
    )
    play.tick()
    assert await again(play, keys[2]) == 2
    wallet._read = replace(wallet._read, balances={"uakt": 1_750_000})  # as of the height before those bids
    play.tick()
    assert await again(play, keys[2]) == 3


async def test_the_last_deposit_is_not_promised_twice_while_prices_are_asked(play: Any, monkeypatch: Any) -> None:
    wallet = play.orders.judge.wallet
    play.chain.balances_ = {"uakt": 750_000}
    await wallet.read()
    first, second = order(play, 1), order(play, 2)
    quote = play.orders.judge.pricing.quote

    async def slow(asked: Any, placement: Any) -> Any:
        if asked.id == first:
            await play.orders.handle(second)
        return await quote(asked, placement)

    monkeypatch.setattr(play.orders.judge.pricing, "quote", slow)
    await play.orders.handle(first)
    assert [msg.id.order for msg in play.sent] == [second]
    assert told(play, first) == "skip.wallet_low"
    assert play.state(first) is None


async def test_an_order_that_closes_while_its_price_is_asked(play: Any, monkeypatch: Any) -> None:
    key = order(play)
    quote = play.orders.judge.pricing.quote

    async def slow(*asked: Any) -> Any:
        play.book.apply(Block(8, 80, (), (OrderClosed(key),)))
        return await quote(*asked)

    monkeypatch.setattr(play.orders.judge.pricing, "quote", slow)
    await play.orders.handle(key)
    assert told(play, key) == "skip.order_gone"
    assert (play.sent, play.state(key)) == ([], None)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (TxRefused("market", 24, "order closed"), "fail.tx.market.24"),
        (TxRefused("undefined", 1, "invalid bid: too many existing bids (21)"), "fail.tx.undefined.1"),
        (TxRefused("sdk", 5, "insufficient funds"), "fail.tx.sdk.5"),
        (TxRefused("", 0, "something new"), "fail.tx"),
    ],
)
async def test_a_refusal_by_the_chain_has_its_code(play: Any, refusal: TxRefused, code: str) -> None:
    play.answer = refusal
    key = order(play)
    await play.orders.handle(key)
    assert told(play, key) == code
    assert play.state(key) is None


async def test_a_final_refusal_by_the_chain_outlives_a_change_of_policy(play: Any) -> None:
    play.answer = TxRefused("market", 21, "invalid bid: bid exists from provider")
    key = order(play)
    await play.orders.handle(key)
    play.answer = None
    play.policy("mostPerOwner: 5")
    assert await again(play, key) == 0


async def test_a_deposit_in_another_coin_is_what_the_wallet_is_asked_for(play: Any, chain: Any) -> None:
    wallet = type(play.orders.judge.wallet)(
        play.book,
        play.orders.judge.wallet.promises,
        lambda _: chain,
        BidSettings(deposit="500000uact", min_balance="7uact"),
    )
    chain.balances_ = {"uakt": 10**9, "uact": 500_006}
    await wallet.read()
    play.orders.judge = replace(play.orders.judge, wallet=wallet)
    key = order(play)
    await play.orders.handle(key)
    assert told(play, key) == "skip.wallet_low"
    assert wallet.seen().lacking() == (Coin("uact", 1),)
