"""Our nodes, each a pair of doors: CometBFT's JSON-RPC and gRPC. What is known of them, and which one is in use.

Both doors report here whatever answers tell (`answered`, `failed`), so a node that is ahead at one door and behind at
the other is known to lag. Nothing here knows what is asked; `comet.py` (JSON-RPC), `nodes.py` (gRPC) and `lookout.py`
(nodes not in use) do. The rules are in ranking.py and breaker.py; the clock is passed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol
from urllib.parse import urlsplit

import structlog

from provider.chain import ranking
from provider.chain.breaker import Breaker, State
from provider.chain.ranking import Fault, Standing
from provider.chain.tip import Tip
from provider.errors import ConfigError

Kind = Literal["rpc", "grpc"]
Sample = tuple[str, dict[str, str], float]
log = structlog.get_logger()


class Pair(Protocol):
    """What is needed of settings.NodeSettings."""

    @property
    def rpc(self) -> str: ...
    @property
    def grpc(self) -> str: ...


@dataclass(slots=True)
class Door:
    """One address of a node."""

    kind: Kind
    address: str
    breaker: Breaker = field(default_factory=Breaker)
    checked: bool = False
    """its chain id was compared since it last failed"""
    height: int = 0
    """the one it last showed, 0 before that"""
    lag_blocks: int = 0
    latency_s: float | None = None
    seen: float | None = None
    """when it last answered"""
    errors: int = 0
    trouble: str = ""
    """what it last failed with; "" while it answers"""


@dataclass(slots=True)
class Endpoint:
    """One node."""

    rpc: Door
    grpc: Door
    catching_up: bool = False
    astray: bool = False
    """it shows a height that cannot be (tip.py)"""
    earliest: int = 0
    """the oldest block it keeps, 0 while that is not known"""
    foreign: str = ""
    """the id of the other chain it serves"""
    well_since: float | None = None

    def door(self, kind: Kind) -> Door:
        return self.rpc if kind == "rpc" else self.grpc

    def silent(self, kind: Kind) -> bool:
        """It has failed since it last answered there."""
        return self.door(kind).breaker.failures > 0

    @property
    def name(self) -> str:
        """Host and port of its RPC: what an address has besides may be a secret."""
        return urlsplit(self.rpc.address).netloc.rpartition("@")[2]

    @property
    def doors(self) -> tuple[Door, Door]:
        return self.rpc, self.grpc


class Endpoints:
    """A short list of nodes.

    - `in_order` starts with the node in use; one whose door for that kind of question rests comes last, so that a call
      always has somebody to ask.
    - The node in use changes when another is better, see ranking.py; each change is logged with its reason.
    - A door that failed must show its chain id again: behind an address may stand another node now.
    """

    def __init__(self, pairs: Sequence[Pair], now: Callable[[], float]) -> None:
        self.all = tuple(Endpoint(Door("rpc", p.rpc), Door("grpc", p.grpc)) for p in pairs)
        self.now = now
        self._tip = Tip()
        self._current = 0

    @property
    def best(self) -> int:
        """The highest block any node has shown, as far as it is believed."""
        return self._tip.best

    def in_order(self, kind: Kind) -> list[Endpoint]:
        now = self.now()
        nodes = self._chosen(now)
        resting = [_resting_s(e.door(kind), now) for e in self.all]
        return [self.all[n] for n in ranking.order(nodes, self._current, resting)]

    def asked(self, kind: Kind) -> Iterator[Endpoint]:
        """As `in_order`, for a call that goes on to the next until one answers: doors that rest, and those that
        another call is just trying out, come when nobody else is left."""
        passed_over = []
        for endpoint in self.in_order(kind):
            if endpoint.door(kind).breaker.admits(self.now()):
                yield endpoint
            else:
                passed_over.append(endpoint)
        yield from passed_over

    def in_step(self, endpoint: Endpoint) -> bool:
        """Whether what it says of the chain's tip can be taken for the tip, also while its other door is silent."""
        return ranking.fault(replace(self.standing(endpoint), silent=False)) is Fault.NONE

    @property
    def current(self) -> Endpoint:
        self._chosen(self.now())
        return self.all[self._current]

    def standing(self, endpoint: Endpoint) -> Standing:
        return _standing(endpoint, self.now())

    def failed(self, endpoint: Endpoint, kind: Kind, why: str) -> None:
        door = endpoint.door(kind)
        door.breaker.failed(self.now())
        door.checked = False
        door.errors += 1
        door.trouble = why
        endpoint.well_since = None

    def answered(
        self, endpoint: Endpoint, kind: Kind, *, height: int | None = None, best: int = 0, since: float | None = None
    ) -> None:
        """It answered; where it said so, as of `height`. `best` is what `self.best` was when it was asked at `since`:
        blocks that come while a node answers do not make it a late one."""
        now, door = self.now(), endpoint.door(kind)
        door.breaker.answered()
        door.seen, door.trouble = now, ""
        if since is not None:
            took = now - since
            door.latency_s = took if door.latency_s is None else door.latency_s + (took - door.latency_s) / 4
        if height is not None:
            door.height = height
            door.lag_blocks = max(0, best - height)
            self._tip.shows(self.all.index(endpoint), height, now)
            for each in self.all:
                each.astray = any(self._tip.astray(door.height) for door in each.doors)
        if ranking.fault(_standing(endpoint, now)) is not Fault.NONE:
            endpoint.well_since = None
        elif endpoint.well_since is None:
            endpoint.well_since = now

    def gauges(self) -> Iterator[Sample]:
        """akp_node_*, by node."""
        used = self.current
        for endpoint in self.all:
            labels = {"node": endpoint.name}
            standing = self.standing(endpoint)
            yield "akp_node_up", labels, float(not (standing.silent or standing.foreign))
            yield "akp_node_in_step", labels, float(ranking.fault(standing) is Fault.NONE)
            yield "akp_node_in_use", labels, float(endpoint is used)
            yield "akp_node_height", labels, min((d.height for d in endpoint.doors if d.height), default=0)
            yield "akp_node_lag_blocks", labels, standing.lag_blocks
            yield "akp_node_earliest_height", labels, endpoint.earliest
            for door in endpoint.doors:
                yield "akp_node_errors_total", {**labels, "door": door.kind}, door.errors
                if door.latency_s is not None:
                    yield "akp_node_latency_seconds", {**labels, "door": door.kind}, door.latency_s

    def _chosen(self, now: float) -> list[Standing]:
        nodes = [_standing(e, now) for e in self.all]
        found = ranking.chosen(nodes, self._current)
        if found != self._current:
            left, self._current = self.all[self._current], found
            log.warning(
                "another node is used now", node=self.all[found].name, instead_of=left.name, why=told(left, now)
            )
        return nodes


def told(endpoint: Endpoint, now: float) -> str:
    """How a node is, in words."""
    standing = _standing(endpoint, now)
    match ranking.fault(standing):
        case Fault.FOREIGN:
            return f"it serves chain {endpoint.foreign!r}"
        case Fault.SILENT:
            return "; ".join(d.trouble for d in endpoint.doors if d.breaker.state(now) is not State.CLOSED)
        case Fault.ASTRAY:
            return f"it shows height {max(d.height for d in endpoint.doors)}, which cannot be"
        case Fault.CATCHING_UP:
            return "it is catching up"
        case Fault.LAGS:
            return f"it lags {standing.lag_blocks} blocks behind"
        case _:
            return "well"


def check_chain_id(endpoint: Endpoint, address: str, found: str, wanted: str) -> None:
    """ConfigError unless the node serves the chain we were told to serve: signing for another one would be lost
    money."""
    endpoint.foreign = found if found != wanted else ""
    if found != wanted:
        raise ConfigError(
            "chain.nodes",
            f"the node at {address} serves chain {found!r}, but chain.id is {wanted!r}",
            f"Give the address of a node of {wanted!r}, or set chain.id.",
        )


def _standing(endpoint: Endpoint, now: float) -> Standing:
    return Standing(
        lag_blocks=max(d.lag_blocks for d in endpoint.doors),
        catching_up=endpoint.catching_up,
        astray=endpoint.astray,
        silent=any(d.breaker.state(now) is not State.CLOSED for d in endpoint.doors),
        foreign=bool(endpoint.foreign),
        well_for_s=0.0 if endpoint.well_since is None else now - endpoint.well_since,
    )


def _resting_s(door: Door, now: float) -> float:
    return max(door.breaker.rests_until - now, 0.0) if door.breaker.failures else 0.0
