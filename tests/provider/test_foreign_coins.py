"""Coins of any size that somebody sends: the daemon goes on, starts again, and its books are the chain's."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from manifests.coins import Coin
from provider.chain.messages import Send
from provider.chain.tx.signer import Signer
from provider.errors import ConfigError
from provider.ledger.books import Books
from provider.ledger.store import Store
from provider.sandbox.network import tell
from provider.tasks import spawn

IBC = "ibc/2E5D0AC026AC1AFA65A23023BA4F24BB8DDF94F118EDC0BAD6F625BFC557CDED"
GIFTS = (10**19, 5 * 10**18, 5 * 10**18 + 1, 10**30)


@asynccontextmanager
async def friend(town: Any) -> AsyncIterator[Signer]:
    signer = Signer(town.net.chain, town.net.rival, town.net.settings.chain)
    async with asyncio.TaskGroup() as tasks:
        running = [spawn(tasks, "friend", signer.run()), spawn(tasks, "its blocks", tell(town.net.chain, [signer]))]
        yield signer
        for task in running:
            task.cancel()


async def akp(town: Any, *args: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "provider", *args, cwd=town.work, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_the_daemon_takes_them_and_starts_with_them(with_daemon: Callable[..., Any], until: Any) -> None:
    async with with_daemon(foreign={IBC: sum(GIFTS)}) as (town, daemon):
        us, data = town.net.provider.address, str(town.net.settings.data)

        async def booked(amount: int) -> bool:
            try:
                async with Store.open(town.net.ledger, readonly=True) as store:
                    return (await Books(store).journal.balances()).get(us, {}).get(IBC, 0) == amount
            except ConfigError:  # no ledger yet
                return False

        async def equal() -> bool:
            code, out = await akp(town, "reconcile", "--config", "akp.yaml", "--dry-run", "-o", "json")
            assert code in (0, 4), out
            return json.loads(out) == []

        await daemon.ready()
        async with friend(town) as giver:
            given = 0
            for gift in GIFTS[:-1]:
                await giver.send(Send(giver.address, us, Coin(IBC, gift)))
                given += gift
                await until(f"{given} in the ledger", lambda now=given: booked(now))
            await daemon.kill()
            await giver.send(Send(giver.address, us, Coin(IBC, GIFTS[-1])))  # in a block that nobody reads
        await daemon.start()
        await daemon.ready()
        await until("what came meanwhile in the ledger", lambda: booked(sum(GIFTS)))

        async def in_the_wallet() -> bool:
            return await daemon.metric(f'akp_wallet_balance_tokens{{denom="{IBC}"}}') == sum(GIFTS) / 10**6

        await until("the balance among the metrics", in_the_wallet)
        await until("chain and ledger agree", equal)

        code, out = await akp(town, "money", "summary", "--by", "denom", "-o", "json", "--data", data)
        assert code == 0
        assert next(row for row in json.loads(out) if row["group"] == IBC)["other"] == {IBC: sum(GIFTS)}
        for form in ("csv", "json", "beancount"):
            code, out = await akp(town, "money", "export", "--format", form, "--data", data)
            assert code == 0
            assert str(GIFTS[0]) in out
        code, out = await akp(town, "db", "verify", "--data", data, "-o", "json")
        assert (code, json.loads(out)["faults"]) == (0, [])
