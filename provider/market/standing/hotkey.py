"""The hot key's standing: what its owner's grants and its fees allow, told at the start and looked at every hour.

Nothing here stops the daemon. A message without its grant is refused by the chain and tried again (tx/signer.py), so a
grant that is signed late only costs time; what counts is that somebody is told before one ends.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import structlog

from provider.chain.delegation import LOW, Chain, Delegation, problems, read
from provider.errors import Refused, Retry
from provider.keyring import Identity
from provider.metrics import Sample

log = structlog.get_logger()
LOOK_AGAIN_S = 3600.0
_MICRO = 10**6


class HotKey:
    def __init__(
        self, who: Identity, chain: Callable[[], Chain], now_unix_s: Callable[[], int] = lambda: int(time.time())
    ) -> None:
        self._who, self._chain, self._now_unix_s = who, chain, now_unix_s
        self._seen: Delegation | None = None

    @property
    def of_interest(self) -> bool:
        """False where the provider's own key signs and pays: the wallet's guard looks after that one."""
        return self._who.delegated or bool(self._who.fee_granter)

    async def look(self) -> tuple[str, ...]:
        """Read it from the chain and tell what is wrong; what was told."""
        if not self.of_interest:
            return ()
        who = self._who
        try:
            self._seen = await read(self._chain(), who.owner, who.key.address, who.fee_granter)
        except (Retry, Refused) as trouble:
            log.warning("the hot key's grants could not be read", why=str(trouble))
            return ()
        found = tuple(problems(self._seen, self._now_unix_s()))
        for problem in found:
            log.error("the hot key cannot do its work", why=problem, cure="akp chain grants commands")
        return found

    async def run(self) -> None:
        while self.of_interest:
            await asyncio.sleep(LOOK_AGAIN_S)
            await self.look()

    def gauges(self) -> Iterator[Sample]:
        if self._seen is None:
            return
        yield "akp_hot_key_problems", {}, len(tuple(problems(self._seen, self._now_unix_s())))
        yield "akp_hot_key_balance_tokens", {"denom": LOW.denom}, self._seen.hot_uakt / _MICRO
        ends = [g.expires_unix_s for g in self._seen.grants if g.expires_unix_s is not None]
        if ends:
            yield "akp_hot_key_grants_end_seconds", {}, min(ends)
