"""CometBFT's JSON-RPC: where the chain stands, and what is in a block.

The one subtlety: an error may mean "not yet", "no longer" or "broken", and only its text tells (chain-probes.md §2).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import aiohttp
import structlog

from provider.chain.endpoints import Endpoint, Endpoints, check_chain_id
from provider.errors import AkpError, ConfigError, Retry, Unreachable

CONNECTIONS = 16
ANSWER_S = 10.0
"""longest wait for an answer"""
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Head:
    """The last block: its height and its time, nanoseconds since 1970."""

    height: int
    time_unix_ns: int


@dataclass(frozen=True, slots=True)
class Status:
    chain_id: str
    height: int
    time_unix_ns: int
    earliest: int
    """the oldest block the node keeps"""
    catching_up: bool


@dataclass(frozen=True, slots=True)
class RawBlock:
    """A block as the node tells it: transactions by hash, results and events still JSON."""

    height: int
    time_unix_ns: int
    chain_id: str
    hash: str
    previous_hash: str
    tx_hashes: tuple[str, ...]
    tx_results: tuple[dict[str, Any], ...]
    events: tuple[dict[str, Any], ...]
    txs: tuple[bytes, ...] = ()


class NotYet(Retry):
    """The node has not stored this height."""


class NoLonger(Retry):
    """The node has thrown this height away; `lowest` is the oldest it keeps, None when it did not say."""

    def __init__(self, what: str, lowest: int | None) -> None:
        self.lowest = lowest
        super().__init__(what)


class Comet:
    """`async with Comet(endpoints, chain_id) as comet: await comet.status()`"""

    def __init__(self, endpoints: Endpoints, chain_id: str) -> None:
        self._chain_id, self._endpoints = chain_id, endpoints
        self._timeout = aiohttp.ClientTimeout(total=ANSWER_S)

    async def __aenter__(self) -> Comet:
        connector = aiohttp.TCPConnector(limit_per_host=CONNECTIONS)
        self._http = aiohttp.ClientSession(connector=connector, timeout=self._timeout, trust_env=True)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    @property
    def address(self) -> str:
        """The node that would be asked now; the alarm clock listens there."""
        return self._endpoints.in_order("rpc")[0].rpc.address

    async def status(self) -> Status:
        """Of the best node that is in step; when none is, of the one that is furthest: it is for the caller to wait.
        `earliest` is the oldest block that any node we can reach keeps."""
        found: list[tuple[Endpoint, Status]] = []
        trouble: AkpError | None = None
        for endpoint in self._endpoints.asked("rpc"):
            if found and endpoint.silent("rpc"):
                break
            try:
                status = await self.look(endpoint)
            except (Retry, ConfigError) as error:
                trouble = error
                continue
            found.append((endpoint, status))
            if self._endpoints.in_step(endpoint):
                break
        if not found:
            assert trouble is not None  # there is at least one address (settings)
            raise trouble
        best = max(found, key=lambda one: (not one[0].astray, not one[1].catching_up, one[1].height))[1]
        return replace(best, earliest=min([best.earliest, *self._kept()]))

    async def look(self, endpoint: Endpoint) -> Status:
        """One node's own status. ConfigError when it serves another chain."""
        since, best = self._endpoints.now(), self._endpoints.best
        try:
            status = _status(await self._call(endpoint.rpc.address, "status", {}))
        except Retry as error:
            self._failed(endpoint, error)
            raise
        try:
            check_chain_id(endpoint, endpoint.rpc.address, status.chain_id, self._chain_id)
        except ConfigError as error:
            self._failed(endpoint, error)
            raise
        endpoint.rpc.checked = True
        endpoint.catching_up, endpoint.earliest = status.catching_up, status.earliest
        # One that catches up may show any height; what it says is no measure for others.
        height = None if status.catching_up else status.height
        self._endpoints.answered(endpoint, "rpc", height=height, best=best, since=since)
        return status

    async def block(self, height: int) -> RawBlock:
        """Header, transactions and results of one height, both from the same node. NotYet, NoLonger, or another
        Retry. Nodes that are known to have thrown it away are asked last."""
        trouble: AkpError | None = None
        for endpoint in sorted(self._endpoints.in_order("rpc"), key=lambda e: e.earliest > height):
            if isinstance(trouble, NotYet | NoLonger) and endpoint.silent("rpc"):
                break
            try:
                return await self._block(endpoint, height)
            except NotYet as error:
                if self._endpoints.in_step(endpoint):
                    raise  # the tip is announced a moment before its results are stored; others are no faster
                trouble = trouble or error
            except NoLonger as error:
                endpoint.earliest = max(endpoint.earliest, error.lowest or height + 1)
                # What nodes say that lag behind this height is no hope against one that had it and has it no more.
                trouble = error
            except (Retry, ConfigError) as error:
                trouble = trouble or error
        assert trouble is not None  # there is at least one address (settings)
        raise trouble

    async def _block(self, endpoint: Endpoint, height: int) -> RawBlock:
        if not endpoint.rpc.checked:
            await self.look(endpoint)
        at = {"height": str(height)}
        try:
            block, results = await asyncio.gather(
                self._call(endpoint.rpc.address, "block", at), self._call(endpoint.rpc.address, "block_results", at)
            )
        except Unreachable as error:
            self._failed(endpoint, error)
            raise
        return _raw_block(height, block, results)

    def _kept(self) -> list[int]:
        """The oldest block of each node that could be asked for it."""
        return [e.earliest for e in self._endpoints.all if e.earliest and not (e.silent("rpc") or e.catching_up)]

    def _failed(self, endpoint: Endpoint, error: AkpError) -> None:
        self._endpoints.failed(endpoint, "rpc", str(error))
        log.warning("node does not answer", node=endpoint.name, why=str(error))

    async def _call(self, address: str, method: str, params: dict[str, str]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            async with self._http.post(address, json=body) as response:
                text = await response.read()
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is an OSError
            raise Unreachable(f"{method} at {address}: {str(error) or type(error).__name__}") from None
        try:
            answer = json.loads(text)
        except ValueError:
            raise Unreachable(f"{method} at {address}: HTTP {response.status}, not JSON") from None
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise Unreachable(f"{method} at {address}: HTTP {response.status}, not a JSON-RPC answer")
        if answer.get("error"):
            raise _refused(f"{method} at {address}", answer["error"])
        return answer["result"]


def parse_time(text: str) -> int:
    """RFC 3339 with up to nine fraction digits -> nanoseconds since 1970. ValueError otherwise."""
    whole, dot, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or (dot and not (fraction.isdigit() and len(fraction) <= 9)):
        raise ValueError(f"{text!r} is not a time in UTC")
    moment = datetime.strptime(whole, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
    seconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
    return seconds * 10**9 + int(fraction.ljust(9, "0"))


def _refused(what: str, error: Any) -> Retry:
    text = str(error.get("data") or error.get("message") or error) if isinstance(error, dict) else str(error)
    said = f"{what}: {text}"
    if "is not available, lowest height is" in text:
        lowest = text.rpartition("lowest height is")[2].strip()
        return NoLonger(said, int(lowest) if lowest.isdigit() else None)
    if "could not find results for height" in text or "less than or equal to the current blockchain height" in text:
        return NotYet(said)
    return Retry(said)


def _status(result: Any) -> Status:
    try:
        sync = result["sync_info"]
        return Status(
            chain_id=result["node_info"]["network"],
            height=int(sync["latest_block_height"]),
            time_unix_ns=parse_time(sync["latest_block_time"]),
            earliest=int(sync.get("earliest_block_height") or 1),
            catching_up=bool(sync.get("catching_up")),
        )
    except (KeyError, TypeError, ValueError) as bad:
        raise Unreachable(f"the node's status cannot be read: {bad!r}") from None


def _raw_block(height: int, block: Any, results: Any) -> RawBlock:
    try:
        header = block["block"]["header"]
        boxed = (block["block"].get("data") or {}).get("txs") or ()
        txs = tuple(base64.b64decode(tx, validate=True) for tx in boxed)
        hashes = tuple(hashlib.sha256(tx).hexdigest().upper() for tx in txs)
        tx_results = tuple(results.get("txs_results") or ())
        if int(header["height"]) != height or int(results["height"]) != height or len(tx_results) != len(hashes):
            raise ValueError(
                f"{len(hashes)} transactions and {len(tx_results)} results at {header['height']}/{results['height']}"
            )
        return RawBlock(
            height=height,
            time_unix_ns=parse_time(header["time"]),
            chain_id=header["chain_id"],
            hash=str((block.get("block_id") or {}).get("hash") or ""),
            previous_hash=str((header.get("last_block_id") or {}).get("hash") or ""),
            tx_hashes=hashes,
            tx_results=tx_results,
            events=tuple(results.get("finalize_block_events") or ()),
            txs=txs,
        )
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as bad:
        raise Retry(f"block {height} as the node tells it cannot be read: {bad!r}") from None
