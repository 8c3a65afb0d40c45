"""Every deployment's escrow as last read, and when to read it again.

A tenant's deposit emits no event (chain.md §5.4), so what is known grows old: each tenant is read again every ten
minutes or so, oftener when an account of theirs is near its end. The reads are spread over the blocks by the tenant's
name, and all of one tenant's accounts are read with two questions, whatever their number.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Protocol

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
        self._read_at: dict[DeploymentID, int] = {}

    def __iter__(self) -> Iterator[DeploymentID]:
        return iter(self._known)

    def get(self, deployment: DeploymentID) -> Escrow | None:
        return self._known.get(deployment)

    def old(self, deployments: Mapping[DeploymentID, object], height: int) -> set[str]:
        """Tenants to be read (again) at this height; asked once a block. What is not among `deployments` is
        forgotten."""
        for gone in self._read_at.keys() - deployments.keys():
            self._known.pop(gone, None)
            del self._read_at[gone]
        return {one.owner for one in deployments if self._is_old(one, height)}

    async def read(self, owner: str, deployments: Collection[DeploymentID], height: int) -> None:
        """All of these, which are one tenant's, at one height. One that is open no more is not known afterwards."""
        chain = self._chain_at(height)
        only = next(iter(deployments)).dseq if len(deployments) == 1 else None
        accounts, payments = await chain.open_escrows(owner, only)
        found = escrows(accounts, payments)
        for deployment in deployments:
            self._read_at[deployment] = height
            if deployment in found:
                self._known[deployment] = found[deployment]
            else:
                self._known.pop(deployment, None)

    def _is_old(self, deployment: DeploymentID, height: int) -> bool:
        read_at = self._read_at.get(deployment)
        if read_at is None:
            return True
        known = self._known.get(deployment)
        near = known is not None and known.dry_at is not None and height >= known.dry_at - NEAR_BLOCKS
        every = NEAR_REFRESH_BLOCKS if near else REFRESH_BLOCKS
        return height - read_at >= every or (height > read_at and (height + _phase(deployment.owner)) % every == 0)


def _phase(owner: str) -> int:
    return zlib.crc32(owner.encode())
