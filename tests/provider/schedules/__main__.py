"""`python -m tests.provider.schedules --seeds 0:50` plays schedules, one after another; `--seed 7 --log` one with the
daemon's log. A schedule that ends badly is printed with its events and the command that plays it again; with
`--without 3,5` events can be left out by hand until only those are left that matter.

PYTHONHASHSEED must be 0: sets are walked in the same order then.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import structlog

from provider.ledger.store import Store
from tests.provider.market.history import US
from tests.provider.schedules.clock import Clock
from tests.provider.schedules.invariants import Witness
from tests.provider.schedules.plan import BLOCKS, plan
from tests.provider.schedules.process import Process, inside, settings
from tests.provider.schedules.town import BLOCK_S, Town

LOOKS = (4, 8, 12, 20, 30, 40)
"""After so many quiet blocks it is looked whether all is well; what is not well at the last look is wrong."""
COMMAND = "PYTHONHASHSEED=0 python -m tests.provider.schedules --seed"


async def play(seed: int, work: Path, without: set[int], say: Callable[[str], None]) -> list[str]:
    """One schedule; what is not well in the end."""
    town = await Town.begin(seed)
    with inside(town):
        process = Process(town, settings(town, work, town.dice))
        running = asyncio.get_running_loop().create_task(process.run(), name="process")
        path, begun = work / "ledger.db", town.app.height
        while not path.exists():
            await asyncio.sleep(1)
            if running.done():
                await running
        async with Store.open(path) as store:
            witness = Witness(town, path, store)
            try:
                for block in range(BLOCKS):
                    for event in plan(seed):
                        if event.block == block and event.number not in without:
                            say(f"{town.now_s:7.1f} s  height {town.app.height:3}  {event}")
                            await town.happens(event)
                    await _goes_on(town, running, witness)
                    await town.count_calm()
                town.heal()
                wrong = ["nothing was looked at"]
                for looked_at in LOOKS:
                    while town.app.height < begun + BLOCKS + looked_at:
                        await _goes_on(town, running, witness)
                    await asyncio.sleep(BLOCK_S - 1)
                    if not (wrong := await witness.all_is_well(process)):
                        break
                    await asyncio.sleep(1)
                    await town.block()
                await told(town, process, witness)
                return wrong
            finally:
                if town.fate.life is not None:
                    town.fate.life.die()
                running.cancel()
                await asyncio.wait({running}, timeout=1)


async def _goes_on(town: Town, process: asyncio.Task[None], witness: Witness) -> None:
    """For a block."""
    await asyncio.sleep(BLOCK_S)
    if process.done():
        await process
    await town.block()
    await witness.look()


TOLD: Counter[str] = Counter()
"""what happened in all schedules, to see that something did"""


async def told(town: Town, process: Process, witness: Witness) -> None:
    chain = town.market.at()
    TOLD["orders"] += sum([len(await chain.orders(state)) for state in ("open", "active", "closed")])
    TOLD["bids"] += len(await chain.bids(US.address))
    TOLD["leases"] += len(await chain.leases(US.address))
    TOLD["settlements compared"] += witness.compared
    TOLD["starts"] += process.starts
    TOLD["killed"] += sum(why == "killed" for _, why in process.ends)
    TOLD["ended by itself"] += sum(why != "killed" for _, why in process.ends)


def played(seed: int, without: set[int], say: Callable[[str], None]) -> str:
    """What went wrong; "" when nothing did."""
    home = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=home) as work, asyncio.Runner(loop_factory=Clock) as runner:
        try:
            return "\n".join(runner.run(play(seed, Path(work), without, say)))
        except Exception:
            return traceback.format_exc()


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m tests.provider.schedules")
    options.add_argument("--seeds", default="", help="first:after the last")
    options.add_argument("--seed", type=int)
    options.add_argument("--without", default="", help="numbers of events, with commas")
    options.add_argument("--log", action="store_true", help="the daemon's log, with the loop's time")
    options.add_argument("--go-on", action="store_true", help="after a failure too")
    given = options.parse_args()
    _logged(given.log)
    first, _, end = (given.seeds or f"{given.seed or 0}:{(given.seed or 0) + 1}").partition(":")
    without = {int(n) for n in given.without.split(",") if n}
    say = print if given.log else (lambda _: None)
    failed, since = 0, time.process_time()
    for seed in range(int(first), int(end)):
        wrong = played(seed, without, say)
        gc.collect(0)
        if wrong:
            failed += 1
            print(f"\nseed {seed}: {wrong}\n", *(f"{e}" for e in plan(seed) if e.number not in without), sep="\n")
            print(f"\nagain: {COMMAND} {seed} --log\n", flush=True)
            if not given.go_on:
                break
    count = int(end) - int(first)
    print(f"{count} schedules, {failed} failed, {time.process_time() - since:.1f} s of CPU")
    print(", ".join(f"{count} {what}" for what, count in TOLD.items()))
    return 1 if failed else 0


def _logged(shown: bool) -> None:
    def stamped(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"s": round(asyncio.get_running_loop().time(), 2), **event}

    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, stamped, structlog.processors.LogfmtRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG if shown else logging.CRITICAL),
        cache_logger_on_first_use=False,
    )


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":
        sys.exit(f"set it: {COMMAND} …")
    sys.exit(main())
