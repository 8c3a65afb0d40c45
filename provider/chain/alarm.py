"""The alarm clock: CometBFT's websocket rings at each new block header. It only wakes; what happened is read by height.

Silence means nothing: a slow reader is dropped without a word, proxies close idle sockets, a node may hang (chain.md
§3.5). So `wait` always ends after its time, and `run` connects anew, forever, wherever `address` points at that
moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import aiohttp
import structlog

from provider.chain.breaker import FIRST_REST_S, LONGEST_REST_S

QUIET_S = 60.0
"""a socket silent for this long is opened anew"""
_SUBSCRIBE = {"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"query": "tm.event='NewBlockHeader'"}}
log = structlog.get_logger()


class Alarm:
    def __init__(self, address: Callable[[], str], *, quiet_s: float = QUIET_S) -> None:
        self._address, self._quiet_s = address, quiet_s
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout: float) -> bool:
        """Until the next ring, or one that was missed since the last wait; False when `timeout` seconds passed in
        silence."""
        try:
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        except TimeoutError:
            return False
        self._rung.clear()
        return True

    async def run(self) -> None:
        """Listen forever. Never raises: without a websocket the follower polls."""
        failures = 0
        while True:
            address = self._address()
            try:
                async with aiohttp.ClientSession() as session:
                    rang = await self._listen(session, address)
                if rang:
                    failures = 0
                why = "closed by the node"
            except (aiohttp.ClientError, OSError, ValueError) as error:
                why = str(error) or type(error).__name__
            delay = min(FIRST_REST_S * 2.0 ** min(failures, 10), LONGEST_REST_S)
            failures += 1
            log.info("no wake-up calls from the node, polling", node=address, why=why, again_in_s=delay)
            await asyncio.sleep(delay)

    async def _listen(self, session: aiohttp.ClientSession, address: str) -> bool:
        """One connection, until it ends or falls silent. Whether it rang at all."""
        rang = False
        async with session.ws_connect(f"{address}/websocket", heartbeat=20.0, max_msg_size=16 << 20) as socket:
            await socket.send_json(_SUBSCRIBE)
            while True:
                try:
                    async with asyncio.timeout(self._quiet_s):
                        message = await socket.receive()
                except TimeoutError:
                    return rang
                if message.type is not aiohttp.WSMsgType.TEXT:
                    return rang
                if "NewBlockHeader" in message.data:
                    rang = True
                    self.ring()
                if self._address() != address:
                    return rang
