"""A command was killed: the daemon notes what became of its transaction, without being started anew."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from manifests.coins import Coin
from provider.chain.tx.abandoned import SETTLED_NS
from provider.chain.tx.broadcast import Found
from provider.chain.tx.signer import FORGET_EVERY_BLOCKS, Signer
from provider.errors import Retry
from provider.intents import Intent, Moment, Signed
from provider.ledger.outbox import Outbox
from provider.settings import ChainSettings
from provider.tasks import spawn
from tests.provider.chain.tx.fake_chain import KEY, SECOND, FakeChain
from tests.provider.chain.tx.mortal import Inline

pytestmark = pytest.mark.looptime
LANDED, FAILED = Found(103, 0, "", "", 700), Found(103, 24, "market", "no such lease", 700)


@pytest.mark.parametrize(
    ("found", "troubles", "rounds", "state", "message"),
    [
        (LANDED, 0, 1, "included", "done"),
        (FAILED, 0, 1, "failed", "failed"),
        (None, 0, 1, "expired", "expired"),
        (LANDED, 1, 1, "signed", "signed"),
        (LANDED, 1, 2, "included", "done"),
    ],
    ids=["included", "failed", "in no block", "no node answers", "no node answers at first"],
)
async def test_its_end_is_noted_now_and_then(
    tmp_path: Path, found: Found | None, troubles: int, rounds: int, state: str, message: str
) -> None:
    chain, store = FakeChain(), Inline(tmp_path / "ledger.db")
    outbox = await left_by_a_command(chain, store, timeout_s=60)
    chain.troubles["find"] = [Retry("no node answers") for _ in range(troubles)]
    if found is not None:
        chain.included["AB"] = found
    signer = Signer(chain, KEY, ChainSettings(), journal=outbox)
    async with asyncio.TaskGroup() as group:
        task = spawn(group, "signer", signer.run())
        await blocks(chain, signer, store, rounds * FORGET_EVERY_BLOCKS + 1)
        task.cancel()
    tx, (row,) = await outbox.tx("AB"), await outbox.intents()
    assert tx is not None
    assert (tx.state, row.state) == (state, message)
    assert (tx.height, tx.gas_used) == ((103, 700) if state in ("included", "failed") else (None, None))
    assert chain.calls["find"] == rounds
    store.drop()


@pytest.mark.parametrize(("void_for_s", "looked_up"), [(SETTLED_NS // SECOND, 0), (SETTLED_NS // SECOND + 1, 1)])
async def test_a_command_that_may_live_is_left_to_note_it_itself(
    tmp_path: Path, void_for_s: int, looked_up: int
) -> None:
    chain, store = FakeChain(), Inline(tmp_path / "ledger.db")
    outbox = await left_by_a_command(chain, store, timeout_s=6 * FORGET_EVERY_BLOCKS - void_for_s)
    signer = Signer(chain, KEY, ChainSettings(), journal=outbox)
    async with asyncio.TaskGroup() as group:
        task = spawn(group, "signer", signer.run())
        await blocks(chain, signer, store, FORGET_EVERY_BLOCKS)
        task.cancel()
    assert chain.calls["find"] == looked_up
    store.drop()


async def left_by_a_command(chain: FakeChain, store: Inline, *, timeout_s: int) -> Outbox:
    await store._on_thread(store._connect)
    now, key = Moment(chain.height, chain.time_ns), "cli/withdraw/akash1t/1/1/1/akash1p"
    signed = Signed("AB", b"", now.time_unix_ns + timeout_s * SECOND, None, 9, Coin("uakt", 1), (key,))
    await Outbox(store).sign_beside([Intent(key, "WithdrawLease", b"", 3)], signed, now)
    return Outbox(store)


async def blocks(chain: FakeChain, signer: Signer, store: Inline, count: int) -> None:
    for _ in range(count):
        signer.look(chain.mine())
        await store.write([])  # as the cursor does
        await asyncio.sleep(1)
