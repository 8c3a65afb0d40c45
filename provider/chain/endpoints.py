"""Which of several addresses to ask: the first that works, best first; one that failed rests for a while before it is
tried again.

Pure but for the clock that is passed in. Nothing here knows what is asked; `nodes.py` (gRPC) and `comet.py` (JSON-RPC)
do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from provider.errors import ConfigError

FIRST_REST_S = 2.0
LONGEST_REST_S = 60.0


@dataclass(slots=True)
class Endpoint:
    address: str
    failures: int = 0
    rests_until: float = 0.0
    checked: bool = False
    """its chain id was compared since it last failed"""


class Endpoints:
    """A short list of addresses.

    - `in_order` starts with the best that is not resting; resting ones come last, so that a call always has somebody
      to ask.
    - Each failure in a row doubles the rest, up to a minute; an answer ends it.
    - An endpoint that failed must show its chain id again: behind an address may stand another node now.
    """

    def __init__(self, addresses: Sequence[str], now: Callable[[], float]) -> None:
        self._all = [Endpoint(a) for a in addresses]
        self._now = now

    def in_order(self) -> list[Endpoint]:
        now = self._now()
        return sorted(self._all, key=lambda e: e.rests_until if e.rests_until > now else 0.0)

    @property
    def current(self) -> Endpoint:
        return self.in_order()[0]

    def failed(self, endpoint: Endpoint) -> None:
        rest = min(FIRST_REST_S * 2.0 ** min(endpoint.failures, 10), LONGEST_REST_S)
        endpoint.failures += 1
        endpoint.rests_until = self._now() + rest
        endpoint.checked = False

    def answered(self, endpoint: Endpoint) -> None:
        endpoint.failures, endpoint.rests_until = 0, 0.0


def check_chain_id(setting: str, address: str, found: str, wanted: str) -> None:
    """ConfigError unless the node serves the chain we were told to serve: signing for another one would be lost
    money."""
    if found != wanted:
        raise ConfigError(
            setting,
            f"the node at {address} serves chain {found!r}, but chain.id is {wanted!r}",
            f"Give the address of a node of {wanted!r}, or set chain.id.",
        )
