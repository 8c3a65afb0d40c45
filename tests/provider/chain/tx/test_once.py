"""One transaction after another on the sandbox chain: looked at, sent, seen in a block, and refused with the reason."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import pytest

from provider.chain.keys import Key
from provider.chain.messages import CreateProvider, Grant, GrantAllowance, UpdateProvider
from provider.chain.tx import build, once
from provider.chain.tx.broadcast import Simulation
from provider.chain.tx.gas import Belief
from provider.errors import Fatal, NotFound, Retry, TxRefused, Unreachable
from provider.intents import Moment, TxEnd

OWNER, HOT, NOBODY = (Key.from_hex(digit * 64) for digit in "123")
UPDATE = "/akash.provider.v1beta4.MsgUpdateProvider"
RICH = {"uakt": 10**9}


def record(kind: Any = CreateProvider, host: str = "https://p.test:8443") -> Any:
    return kind(OWNER.address, host, ())


@pytest.fixture
async def town(on_sandbox: Any) -> Any:
    return await on_sandbox({OWNER.address: RICH, HOT.address: RICH})


async def test_a_draft_changes_nothing_and_tells_all(town: Any) -> None:
    ready = await once.draft(town.chain, OWNER, [record()], town.settings)
    assert ready.fee.denom == "uakt"
    assert ready.fee.amount == -(-ready.gas_limit * 25 // 1000)
    assert (await town.chain.latest.balances(OWNER.address))["uakt"] == 10**9
    with pytest.raises(NotFound):
        await town.chain.latest.provider(OWNER.address)


async def test_it_ends_when_a_block_holds_it(town: Any) -> None:
    landed = await town.does(OWNER, record())
    found = await town.chain.latest.provider_record(OWNER.address)
    assert found == UpdateProvider(OWNER.address, "https://p.test:8443", ())
    async with aclosing(town.chain.follow(after=landed.height - 1)) as blocks:
        assert landed.hash in {tx.hash for tx in (await anext(blocks)).txs}


async def test_what_would_fail_is_told_before_anything_is_signed(town: Any) -> None:
    await town.does(OWNER, record())
    with pytest.raises(TxRefused, match="already exists") as caught:
        await once.draft(town.chain, OWNER, [record()], town.settings)
    assert (caught.value.codespace, caught.value.code) == ("provider", 4)


async def test_an_account_without_coins_is_told_so(town: Any) -> None:
    with pytest.raises(NotFound, match="send it some uakt"):
        await once.draft(town.chain, NOBODY, [record()], town.settings)


async def test_failing_in_its_block_is_told_with_the_height(town: Any) -> None:
    """Two drafts were good when they were made; the second comes too late."""
    ready = [await once.draft(town.chain, OWNER, [record()], town.settings) for _ in range(2)]
    await once.send(town.chain, OWNER, ready[0])
    with pytest.raises(TxRefused, match=r"included at height \d+ and void: .*already exists"):
        await once.send(town.chain, OWNER, ready[1])


async def test_a_hot_key_needs_the_owners_grant_and_then_works(town: Any) -> None:
    await town.does(OWNER, record())
    with pytest.raises(TxRefused, match=r"authorization not found.*akp chain grants show"):
        await town.does(HOT, record(UpdateProvider, "https://hot.test:8443"))
    await town.does(OWNER, Grant(OWNER.address, HOT.address, UPDATE))
    await town.does(HOT, record(UpdateProvider, "https://hot.test:8443"))
    assert (await town.chain.latest.provider(OWNER.address)).host_uri == "https://hot.test:8443"


async def test_whose_fee_it_is(on_sandbox: Any) -> None:
    town = await on_sandbox({OWNER.address: RICH, HOT.address: {"uakt": 1}})
    await town.does(OWNER, record())
    await town.does(OWNER, Grant(OWNER.address, HOT.address, UPDATE))
    change = record(UpdateProvider, "https://hot.test:8443")
    with pytest.raises(TxRefused, match="fee-grant not found") as caught:
        await town.does(HOT, change, fee_granter=OWNER.address)
    assert str(caught.value).isprintable(), "the chain puts raw bytes of addresses into it"
    await town.does(OWNER, GrantAllowance(OWNER.address, HOT.address, None))
    before = (await town.chain.latest.balances(OWNER.address))["uakt"]
    await town.does(HOT, change, fee_granter=OWNER.address)
    assert (await town.chain.latest.balances(HOT.address)) == {"uakt": 1}
    assert (await town.chain.latest.balances(OWNER.address))["uakt"] < before


async def test_one_that_no_block_takes_is_void_and_told(town: Any) -> None:
    with pytest.raises(Retry, match="was not included before its timeout"):
        await lost(town, record())


async def lost(town: Any, msg: Any, notes: Any = None) -> once.Landed:
    """Sends what a node takes and no block holds. There are no blocks until it is taken: it must not be late then."""
    while not town.node.app.height:  # noqa: ASYNC110 - the first block tells nobody
        await asyncio.sleep(0.01)
    town.node.chaos.producing, town.node.chaos.lose_txs = False, 1000
    hasty = town.settings.model_copy(update={"tx_timeout_s": 10})
    ready = await once.draft(town.chain, OWNER, [msg], hasty)
    sending = asyncio.get_running_loop().create_task(once.send(town.chain, OWNER, ready, notes))
    while town.node.chaos.lose_txs == 1000 and not sending.done():  # noqa: ASYNC110 - nor does the mempool
        await asyncio.sleep(0.01)
    town.node.chaos.producing = True
    return await sending


class Notebook:
    def __init__(self, no: Exception | None = None) -> None:
        self.no, self.lines = no, list[str]()

    async def leaves(self, tx_hash: str, tx: bytes, now: Moment) -> None:
        assert build.tx_hash(tx) == tx_hash
        self.lines.append(f"leaves {tx_hash}")
        if self.no is not None:
            raise self.no

    async def ended(self, end: TxEnd) -> None:
        self.lines.append(f"{end.state} {end.hash} {end.code}")


async def test_it_is_noted_before_it_leaves_and_when_it_has_ended(town: Any) -> None:
    ready = [await once.draft(town.chain, OWNER, [record()], town.settings) for _ in range(2)]
    held, noted, failed = Notebook(Retry("not now")), Notebook(), Notebook()
    with pytest.raises(Retry, match="not now"):
        await once.send(town.chain, OWNER, ready[0], held)
    assert len(held.lines) == 1
    landed = await once.send(town.chain, OWNER, ready[0], noted)
    assert noted.lines == [held.lines[0], f"included {landed.hash} 0"], "the one held back had not left"
    with pytest.raises(TxRefused):
        await once.send(town.chain, OWNER, ready[1], failed)
    assert failed.lines[1].startswith("failed ")
    void = Notebook()
    with pytest.raises(Retry):
        await lost(town, record(UpdateProvider), void)
    assert void.lines[1].startswith("expired ")


class Full(Notebook):
    async def ended(self, end: TxEnd) -> None:
        raise Fatal("ledger.db: the ledger cannot be written: disk is full")


async def test_what_became_of_it_is_told_first_where_that_cannot_be_noted(town: Any) -> None:
    """Who hears of the disk alone sends it again."""
    ready = [await once.draft(town.chain, OWNER, [record()], town.settings) for _ in range(2)]
    with pytest.raises(Fatal, match=r"^done at height \d+, transaction \w{64}: do not .* noted: ledger\.db: .*full"):
        await once.send(town.chain, OWNER, ready[0], Full())
    assert (await town.chain.latest.provider(OWNER.address)).host_uri == "https://p.test:8443"
    with pytest.raises(Fatal, match=r"^.*included at height \d+ and void: .*already exists.* noted: .*full"):
        await once.send(town.chain, OWNER, ready[1], Full())


class Away:
    """The chain, whose nodes are away when they are asked one thing."""

    def __init__(self, chain: Any, method: str) -> None:
        self._chain, self._method = chain, method

    def __getattr__(self, name: str) -> Any:
        return self._no if name == self._method else getattr(self._chain, name)

    async def _no(self, *_: Any) -> Any:
        raise Unreachable("nobody there")


async def test_what_a_silent_node_may_have_taken_is_not_told_as_not_sent(town: Any) -> None:
    ready, noted = await once.draft(town.chain, OWNER, [record()], town.settings), Notebook()
    with pytest.raises(Retry, match=r"nobody there\. Transaction \w{64} may have been taken.*do not repeat it before"):
        await once.send(Away(town.chain, "broadcast"), OWNER, ready, noted)  # type: ignore[arg-type]
    assert len(noted.lines) == 1, "it has no end yet"


async def test_nothing_is_noted_while_no_node_answers(town: Any) -> None:
    ready, noted = await once.draft(town.chain, OWNER, [record()], town.settings), Notebook()
    with pytest.raises(Unreachable):
        await once.send(Away(town.chain, "head"), OWNER, ready, noted)  # type: ignore[arg-type]
    assert noted.lines == []


class Early:
    """The chain, whose next `left` simulations come in the block right after a settlement (chain-probes.md §4)."""

    def __init__(self, chain: Any, left: int) -> None:
        self._chain, self.left = chain, left
        self.heights: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    async def simulate(self, tx: bytes, belief: Belief) -> Simulation:
        self.heights.append((await self._chain.head()).height)
        self.left -= 1
        if self.left >= 0:
            return Simulation(error="recovered: couldn't find payment aid:<x \nstack: [baseapp.go:1052]")
        found: Simulation = await self._chain.simulate(tx, belief)
        return found


@pytest.mark.parametrize(
    ("lie", "says"),
    [
        ({"min_gas_price_e18": 10**18}, r"Config at .*wants 1\..*above 0\.25uakt \(chain\.max_gas_price_uakt\)"),
        ({"gas": 10**10}, r"Simulate at .*1\d{10} gas, above the 900000"),
    ],
    ids=["price", "gas"],
)
async def test_a_node_that_would_make_it_dear_is_not_believed(
    on_sandbox: Any, lie: dict[str, int], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gas = lie.pop("gas", None)
    town = await on_sandbox({OWNER.address: RICH}, **lie)
    if gas is not None:
        real = town.node.app.simulate
        monkeypatch.setattr(
            town.node.app, "simulate", lambda tx: replace(found := real(tx), gas_used=found.gas_used + gas)
        )
    with pytest.raises(Retry, match=says):
        await once.draft(town.chain, OWNER, [record()], town.settings)


async def test_one_that_is_too_early_is_tried_on_the_next_block(town: Any) -> None:
    chain = Early(town.chain, 2)
    ready = await once.draft(chain, OWNER, [record()], town.settings)  # type: ignore[arg-type]
    assert len(chain.heights) == 3
    assert chain.heights[0] < chain.heights[1] < chain.heights[2]
    await once.send(town.chain, OWNER, ready)


async def test_one_that_stays_so_is_told_with_the_cure(town: Any) -> None:
    chain = Early(town.chain, 100)
    with pytest.raises(TxRefused, match=r"couldn't find payment.*It passes with another block: try again"):
        await once.draft(chain, OWNER, [record()], town.settings)  # type: ignore[arg-type]
    assert len(chain.heights) == 1 + once.MOST_WAITS
