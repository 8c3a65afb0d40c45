"""CometBFT's JSON-RPC: where the chain stands, and what is in a block.

The one subtlety: an error may mean "not yet", "no longer" or "broken", and only its text tells (chain-probes.md §2).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

import httpx
import structlog

from provider.chain.endpoints import Endpoint, Endpoints, check_chain_id
from provider.chain.nodes import check_all
from provider.errors import Retry, Unreachable

LAG_BLOCKS = 3
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


class NotYet(Retry):
    """The node has not stored this height."""


class NoLonger(Retry):
    """The node has thrown this height away; `lowest` is the oldest it keeps, None when it did not say."""

    def __init__(self, what: str, lowest: int | None) -> None:
        self.lowest = lowest
        super().__init__(what)


class Comet:
    """`async with Comet(addresses, chain_id) as comet: await comet.status()`"""

    def __init__(self, addresses: Sequence[str], chain_id: str, *, timeout: float = 10.0) -> None:
        self._chain_id = chain_id
        self._endpoints = Endpoints([_http_address(a) for a in addresses], lambda: asyncio.get_running_loop().time())
        self._http = httpx.AsyncClient(timeout=timeout, limits=httpx.Limits(max_keepalive_connections=16))
        self._best = 0

    async def __aenter__(self) -> Comet:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    @property
    def address(self) -> str:
        """The node that would be asked now; the alarm clock listens there."""
        return self._endpoints.current.address

    async def check(self) -> None:
        """Ask every node for its chain id. ConfigError when one serves another chain; Unreachable when none answers."""
        await check_all(self._endpoints, self._check)

    async def status(self) -> Status:
        """Of the best node that is not catching up and not more than a few blocks behind what any node has shown.

        When all lag, the one that is furthest: it is for the caller to wait.
        """
        found: list[Status] = []
        trouble: Retry | None = None
        for endpoint in self._endpoints.in_order():
            try:
                status = await self._status(endpoint)
            except Retry as error:
                trouble = error
                self._silent(endpoint, error)
                continue
            self._endpoints.answered(endpoint)
            if not status.catching_up and status.height + LAG_BLOCKS >= self._best:
                self._best = max(self._best, status.height)
                return status
            found.append(status)
            if len(self._endpoints.in_order()) > 1:
                self._endpoints.failed(endpoint)
                log.warning(
                    "node lags",
                    node=endpoint.address,
                    height=status.height,
                    best=self._best,
                    catching_up=status.catching_up,
                )
        if found:
            return max(found, key=lambda s: (not s.catching_up, s.height))
        assert trouble is not None  # there is at least one address (settings)
        raise trouble

    async def block(self, height: int) -> RawBlock:
        """Header, transactions and results of one height, both from the same node. NotYet, NoLonger, or another
        Retry."""
        trouble: Retry | None = None
        for endpoint in self._endpoints.in_order():
            try:
                if not endpoint.checked:
                    await self._check(endpoint)
                at = {"height": str(height)}
                block, results = await asyncio.gather(
                    self._call(endpoint.address, "block", at), self._call(endpoint.address, "block_results", at)
                )
                return _raw_block(height, block, results)
            except (NotYet, NoLonger) as error:
                # "Not yet" from the best node outweighs what a worse one says.
                trouble = trouble if isinstance(trouble, NotYet) else error
            except Retry as error:
                trouble = trouble or error
                self._silent(endpoint, error)
        assert trouble is not None  # there is at least one address (settings)
        raise trouble

    def _silent(self, endpoint: Endpoint, error: Retry) -> None:
        if isinstance(error, Unreachable):
            self._endpoints.failed(endpoint)
            log.warning("node does not answer", node=endpoint.address, why=str(error))

    async def _check(self, endpoint: Endpoint) -> None:
        await self._status(endpoint)

    async def _status(self, endpoint: Endpoint) -> Status:
        status = _status(await self._call(endpoint.address, "status", {}))
        check_chain_id("chain.rpc", endpoint.address, status.chain_id, self._chain_id)
        endpoint.checked = True
        return status

    async def _call(self, address: str, method: str, params: dict[str, str]) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        try:
            response = await self._http.post(address, json=body)
            answer = response.json()
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Unreachable(f"{method} at {address}: {error or type(error).__name__}") from None
        except ValueError:
            raise Unreachable(f"{method} at {address}: HTTP {response.status_code}, not JSON") from None
        if not isinstance(answer, dict) or ("result" not in answer and "error" not in answer):
            raise Unreachable(f"{method} at {address}: HTTP {response.status_code}, not a JSON-RPC answer")
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


def _http_address(address: str) -> str:
    """`tcp://host:port` is how nodes themselves write it; a bare `host:port` means the same."""
    scheme, _, rest = address.rstrip("/").rpartition("://")
    return f"https://{rest}" if scheme == "https" else f"http://{rest}"


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
        txs = (block["block"].get("data") or {}).get("txs") or ()
        hashes = tuple(hashlib.sha256(base64.b64decode(tx, validate=True)).hexdigest().upper() for tx in txs)
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
        )
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error) as bad:
        raise Retry(f"block {height} as the node tells it cannot be read: {bad!r}") from None
