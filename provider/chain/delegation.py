"""What a hot key may do for a cold owner: the grants it needs, those it has, and what is wrong with them.

The grants let it bid, close, withdraw and publish certificates; none lets it move money (chain.md §2.6). A bid's
deposit and its refund are the owner's; the fee is the hot key's own, or that of whoever granted it fees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from manifests.coins import Coin
from provider.chain import messages as ask
from provider.chain.convert.records import Allowance, Grant

EXEC = "/cosmos.authz.v1beta1.MsgExec"
NEEDED = (
    "/akash.market.v1beta5.MsgCreateBid",
    "/akash.market.v1beta5.MsgCloseBid",
    "/akash.market.v1beta5.MsgWithdrawLease",
    "/akash.market.v1beta5.MsgLeaseStartReclaim",
    "/akash.cert.v1.MsgCreateCertificate",
)
OPTIONAL = ("/akash.provider.v1beta4.MsgUpdateProvider", "/akash.cert.v1.MsgRevokeCertificate")
"""only for `akp chain provider update`, `akp attributes sync` and `akp cert revoke` with the hot key"""
SOON_S = 14 * 86_400
LOW = Coin("uakt", 250_000)
"""some fifty bids"""


class Chain(Protocol):
    async def grants(self, granter: str, grantee: str) -> list[Grant]: ...
    async def allowance(self, granter: str, grantee: str) -> Allowance | None: ...
    async def balances(self, address: str) -> dict[str, int]: ...


@dataclass(frozen=True, slots=True)
class Delegation:
    owner: str
    hot: str
    fee_granter: str
    grants: tuple[Grant, ...]
    allowance: Allowance | None
    hot_uakt: int

    def grant(self, type_url: str) -> Grant | None:
        return next((g for g in self.grants if g.type_url == type_url), None)


async def read(chain: Chain, owner: str, hot: str, fee_granter: str = "") -> Delegation:
    grants = await chain.grants(owner, hot) if owner != hot else []
    allowance = await chain.allowance(fee_granter, hot) if fee_granter else None
    balances = await chain.balances(hot)
    return Delegation(owner, hot, fee_granter, tuple(grants), allowance, balances.get(LOW.denom, 0))


def problems(found: Delegation, now_unix_s: int) -> Iterator[str]:
    """What stops the hot key, or will soon, in words for the operator. Pure."""
    if found.owner != found.hot:
        for url in NEEDED:
            grant = found.grant(url)
            name = url.rpartition(".")[2]
            if grant is None:
                yield f"{found.owner} has not granted {name} to {found.hot}"
            elif grant.expires_unix_s is not None and (left := grant.expires_unix_s - now_unix_s) < SOON_S:
                yield f"the grant of {name} to {found.hot} {_ends(left)}"
    if found.fee_granter:
        yield from _fee_problems(found, now_unix_s)
    elif found.hot_uakt < LOW.amount:
        yield f"{found.hot} pays the fees and has {found.hot_uakt}uakt: send it some"


def wanted(
    owner: str, hot: str, *, expires_unix_s: int, fee_granter: str = "", fee_limit: Coin | None = None,
    optional: bool = False, allowance_exists: bool = False,
) -> tuple[ask.Msg, ...]:  # fmt: skip
    """What the owner signs so that the hot key may work; an expiry set anew takes the place of the old one. A fee
    allowance is part of it where the owner is the fee granter too. Pure."""
    urls = (*NEEDED, *(OPTIONAL if optional else ()))
    out: list[ask.Msg] = [ask.Grant(owner, hot, url, expires_unix_s) for url in urls]
    if fee_granter == owner:
        if allowance_exists:  # the chain refuses a second one
            out.append(ask.RevokeAllowance(owner, hot))
        out.append(ask.GrantAllowance(owner, hot, fee_limit, (EXEC,), expires_unix_s))
    return tuple(out)


def _fee_problems(found: Delegation, now_unix_s: int) -> Iterator[str]:
    allowance, who = found.allowance, f"the fee grant of {found.fee_granter} to {found.hot}"
    if allowance is None:
        yield f"{who} is missing, expired or used up"
        return
    if allowance.type_urls is not None and found.owner != found.hot and EXEC not in allowance.type_urls:
        yield f"{who} does not cover MsgExec"
    if allowance.expires_unix_s is not None and (left := allowance.expires_unix_s - now_unix_s) < SOON_S:
        yield f"{who} {_ends(left)}"
    if allowance.left is not None:
        amount = sum(c.amount for c in allowance.left if c.denom == LOW.denom)
        if amount < LOW.amount:
            yield f"{who} has {amount}uakt left"


def _ends(left_s: int) -> str:
    return "has expired" if left_s <= 0 else f"ends in {max(1, left_s // 86_400)} days"
