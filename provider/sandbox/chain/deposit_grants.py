"""Deposits paid by somebody who granted it: how much of a grant may be used for one, and what comes back to it
(chain-probes 29).
"""

from __future__ import annotations

from collections.abc import Iterator

from provider.chain.wire import unpack

from . import grants
from .authorizations import DEPOSIT, DEPOSIT_MSG, deducted, limits
from .coins import amount_of
from .context import Context
from .errors import ChainError


def draw(ctx: Context, grantee: str, scope: int, denom: str, wanted: int) -> Iterator[tuple[str, int]]:
    """(granter, amount) for as long as something is missing, in the order of the node's index. A grant that is used up
    stays, with nothing in it.
    """
    for granter, authorization, until in list(grants.deposit_grants(ctx, grantee)):
        part = min(wanted, amount_of(limits(authorization), denom))
        if scope not in authorization.scopes or part <= 0:
            continue
        try:
            grants.save(ctx, (granter, grantee, DEPOSIT_MSG), deducted(authorization, denom, part), until)
        except ChainError:  # it ends in this very moment
            continue
        yield granter, part
        wanted -= part
        if not wanted:
            return


def give_back(ctx: Context, granter: str, grantee: str, denom: str, amount: int) -> None:
    """A refund fills the grant up again, if there still is one."""
    key = (granter, grantee, DEPOSIT_MSG)
    grant = grants.find(ctx, key)
    if grant is None or grant.authorization.type_url != f"/{DEPOSIT}":
        return
    until = grant.expiration if grant.HasField("expiration") else None
    grants.save(ctx, key, deducted(unpack(grant.authorization), denom, -amount), until)
