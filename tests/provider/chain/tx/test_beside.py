"""A signer whose journal a command writes too: what that one has in the air holds up what settles the same escrow, and
nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from manifests.coins import Coin
from provider.chain.tx.answers import MOST_TRIES
from provider.chain.tx.signer import Signer
from provider.intents import Intent, Moment, Signed, TxEnd
from provider.ledger.outbox import Outbox
from provider.settings import ChainSettings
from provider.tasks import spawn
from tests.provider.chain.tx.fake_chain import KEY, SECOND, FakeChain, bid, until, withdraw
from tests.provider.chain.tx.mortal import Inline

pytestmark = pytest.mark.looptime


async def test_a_deployment_is_held_while_a_command_settles_it(tmp_path: Path) -> None:
    chain, store = FakeChain(), Inline(tmp_path / "ledger.db")
    now = await a_command_withdraws(store, chain, timeout_s=60, gseq=2)
    signer = Signer(chain, KEY, ChainSettings(bids_per_tx=9), journal=Outbox(store), salt_ns=5)
    async with asyncio.TaskGroup() as group:
        task = spawn(group, "signer", signer.run())
        held = spawn(group, "held", signer.send(withdraw(1)))
        await signer.send(withdraw(2), bid(1))
        for _ in range(3):
            assert signer.look(chain.mine()) == ()
            await asyncio.sleep(1)
        assert ([dseq for _, dseq in chain.paid], chain.bids, held.done()) == ([2], {1}, False)
        await Outbox(store).end_beside(TxEnd("AB", "included", chain.height, 5), now)
        assert signer.look(chain.mine()) == ()
        await until(held.done)
        assert signer.look(chain.mine()) == ()
        assert sorted(dseq for _, dseq in chain.paid) == [1, 2]
        task.cancel()
    store.drop()


async def test_one_that_a_killed_command_left_is_waited_for_until_it_is_void(tmp_path: Path) -> None:
    chain, store = FakeChain(), Inline(tmp_path / "ledger.db")
    await a_command_withdraws(store, chain, timeout_s=9)
    signer = Signer(chain, KEY, ChainSettings(), journal=Outbox(store), salt_ns=5)
    async with asyncio.TaskGroup() as group:
        task, sent = spawn(group, "signer", signer.run()), spawn(group, "sent", signer.send(withdraw(1)))
        await asyncio.sleep(1)
        signer.look(chain.mine(seconds=9))
        await asyncio.sleep(1)
        assert not sent.done(), "a block at its very timeout may still hold it"
        signer.look(chain.mine(seconds=1))
        await until(sent.done)
        task.cancel()
    store.drop()


async def test_waiting_for_a_command_is_no_attempt_and_costs_no_signature(tmp_path: Path) -> None:
    chain, store = FakeChain(), Inline(tmp_path / "ledger.db")
    await a_command_withdraws(store, chain, timeout_s=99)
    pen = Pen()
    signer = Signer(chain, pen, ChainSettings(), journal=Outbox(store), salt_ns=5)
    async with asyncio.TaskGroup() as group:
        task, sent = spawn(group, "signer", signer.run()), spawn(group, "sent", signer.send(withdraw(1)))
        for _ in range(2 * MOST_TRIES):
            await asyncio.sleep(1)
            assert signer.look(chain.mine()) == ()
        assert (sent.done(), chain.calls["simulate"], pen.signatures) == (False, 0, 0)
        signer.look(chain.mine(seconds=9))
        await until(sent.done)
        assert (sent.exception(), pen.signatures) == (None, 1)
        task.cancel()
    store.drop()


async def a_command_withdraws(store: Inline, chain: FakeChain, *, timeout_s: int, gseq: int = 1) -> Moment:
    """In transaction AB, which is in the air."""
    await store._on_thread(store._connect)
    now, key = Moment(chain.height, chain.time_ns), f"cli/withdraw/{withdraw(1, gseq).id}"
    timeout_ns, settles = now.time_unix_ns + timeout_s * SECOND, ((key, "akash1t/1"),)
    theirs = Signed("AB", b"x", timeout_ns, None, 9, Coin("uakt", 1), (key,), settles)
    assert await Outbox(store).sign_beside([Intent(key, "WithdrawLease", b"", 3)], theirs, now) == []
    return now


class Pen:
    """Counts what a remote signer would be asked."""

    address, public_key = KEY.address, KEY.public_key

    def __init__(self) -> None:
        self.signatures = 0

    async def signature(self, document: bytes) -> bytes:
        self.signatures += 1
        return await KEY.signature(document)
