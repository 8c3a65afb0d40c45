"""What happens in a schedule, block by block, all from its seed. Each event has dice of its own, so that one can be
left out (`--without`) and the others stay as they are."""

from __future__ import annotations

import random
from dataclasses import dataclass

BLOCKS = 10
MARKET = {
    "deploy": 7, "rival bids": 3, "accept ours": 6, "accept any": 2, "manifest": 6, "deposit": 2, "close deployment": 2,
    "close lease": 2, "close group": 1, "update": 1, "sick": 1, "well": 1, "coins arrive": 1,
}  # fmt: skip
FAULTS = {
    "node silent": 3, "grpc fails": 3, "rpc fails": 3, "node busy": 1, "node lags": 3, "catching up": 1, "pruned": 2,
    "results late": 2, "events twice": 2, "transactions vanish": 3, "broadcast taken, answered with an error": 3,
    "broadcast lost, answered with an error": 2, "simulations refused": 2, "mempool full": 1, "node slow": 1,
    "cluster absent": 2, "cluster refuses": 1, "machine lost": 1, "namespaces go slowly": 1,
    "killed": 6, "killed while starting": 2, "away": 1,
}  # fmt: skip


@dataclass(frozen=True)
class Event:
    number: int
    block: int
    what: str

    def dice(self, seed: int) -> random.Random:
        return random.Random(f"{seed}/{self.number}")

    def __str__(self) -> str:
        return f"{self.number:3}  block {self.block:2}  {self.what}"


def plan(seed: int) -> list[Event]:
    """Some schedules are calm and some are nothing but trouble."""
    dice = random.Random(seed)
    market, faults = dice.choice((0.8, 1.3, 2.0)), dice.choice((0.0, 0.3, 0.6, 1.2))
    out: list[tuple[int, str]] = [(0, "deploy"), (2, "deploy"), (3, "accept ours"), (4, "manifest")]
    for block in range(BLOCKS):
        for table, often in ((MARKET, market), (FAULTS, faults)):
            count = int(often) + (dice.random() < often % 1)
            out += [(block, what) for what in dice.choices(list(table), list(table.values()), k=count)]
    return [Event(n, block, what) for n, (block, what) in enumerate(sorted(out, key=lambda e: e[0]))]
