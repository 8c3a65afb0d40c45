"""Every deployment's escrow as last read, and when to read it again.

A tenant's deposit emits no event (chain.md §5.4), so what is known grows old: each tenant is read again every ten
minutes or so, oftener when an account of theirs is near its end. The reads are spread over the blocks by the tenant's
name, and all of one tenant's accounts are read with two questions, whatever their number. When the next read is due is
known after each, so that a block costs nothing where none is.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator
from typing import Protocol

from bidengine.agenda import Agenda
from bidengine.forecast import Escrow, escrows
from bidengine.views import EscrowAccount, EscrowPayment
from manifests.ids import DeploymentID

REFRESH_BLOCKS = 100
"""about ten minutes"""
NEAR_BLOCKS = 600
"""an hour before its end ..."""
NEAR_REFRESH_BLOCKS = 10
"""... an account is read every minute"""


class Chain(Protocol):
    """What is asked of provider.chain.query.Query, bound to a height."""

    async def open_escrows(
        self, owner: str, dseq: int | None = None
    ) -> tuple[list[EscrowAccount], list[EscrowPayment]]: ...


class Escrows:
    def __init__(self, chain_at: Callable[[int], Chain]) -> None:
        self._chain_at = chain_at
        self._known: dict[DeploymentID, Escrow] = {}
        self._next: Agenda[DeploymentID] = Agenda()
        """those to be kept known: when to read them again"""

    def __iter__(self) -> Iterator[DeploymentID]:
        return iter(self._known)

    def get(self, deployment: DeploymentID) -> Escrow | None:
        return self._known.get(deployment)

    def keep(self, deployment: DeploymentID) -> None:
        """From now on it is to be known."""
        if deployment not in self._next:
            self._next.put(deployment, 0)

    def forget(self, deployment: DeploymentID) -> None:
        self._next.drop(deployment)
        self._known.pop(deployment, None)

    def old(self, height: int) -> set[str]:
        """Tenants to be read (again) at this height; asked once a block."""
        return {one.owner for one in self._next.due(height)}

    async def read(self, owner: str, deployments: Collection[DeploymentID], height: int) -> None:
        """All of these, which are one tenant's, at one height. One that is open no more is not known afterwards."""
        chain = self._chain_at(height)
        only = next(iter(deployments)).dseq if len(deployments) == 1 else None
        accounts, payments = await chain.open_escrows(owner, only)
        found = escrows(accounts, payments)
        for deployment in deployments:
            if deployment in found:
                self._known[deployment] = found[deployment]
            else:
                self._known.pop(deployment, None)
            if deployment in self._next:
                self._next.put(deployment, _again(deployment, self._known.get(deployment), height))


def _again(deployment: DeploymentID, known: Escrow | None, read_at: int) -> int:
    """The height of the next read: its tenant's next turn, and near the end of its money the next of those."""
    phase = _phase(deployment.owner)
    far = _turn(read_at, phase, REFRESH_BLOCKS)
    if known is None or known.dry_at is None:
        return far
    begin = max(read_at + 1, known.dry_at - NEAR_BLOCKS)
    return min(far, max(begin, read_at + NEAR_REFRESH_BLOCKS), _turn(begin - 1, phase, NEAR_REFRESH_BLOCKS))


def _turn(after: int, phase: int, every: int) -> int:
    """The first height after it that is this tenant's turn."""
    return after + every - (after + phase) % every


def _phase(owner: str) -> int:
    return zlib.crc32(owner.encode())
