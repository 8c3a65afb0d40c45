"""A treasury pays the deposits of a running daemon's bids: the grant is drawn on, the owner's own coins are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from manifests.coins import Coin
from provider.chain.tx import build
from provider.chain.tx.sign import sign
from provider.chain.wire import message, pack
from provider.sandbox.town import living


async def test_a_bids_deposit_comes_from_the_grant(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town:
        net, owner, treasury = town.net, town.net.provider, town.net.auditor
        granted = message("akash.escrow.v1.DepositAuthorization")(scopes=[2])
        granted.spend_limit.denom, granted.spend_limit.amount = "uakt", "0"
        granted.spend_limits.add(denom="uakt", amount="800000")
        grant = message("cosmos.authz.v1beta1.MsgGrant")(granter=treasury.address, grantee=owner.address)
        grant.grant.authorization.CopyFrom(pack(granted))
        await deliver(net, treasury, grant)

        async def there() -> Any:
            return await net.chain.latest.deposit_grants(owner.address)

        (found,) = await until("the grant is on chain", there)
        assert (found.granter, found.limits, found.for_bids) == (treasury.address, (Coin("uakt", 800_000),), True)
        bid = net.settings.bid.model_copy(update={"deposit_sources": ("grant", "balance")})
        async with living(replace(net, settings=net.settings.model_copy(update={"bid": bid}))):
            await net.tenant.post(town.compiled, 7, Coin("uact", 5_000_000))

            async def bidding() -> bool:
                return [b.id.provider for b in await net.chain.latest.bids_on(town.order())] == [owner.address]

            await until("the bid", bidding)
            (left,) = await net.chain.latest.deposit_grants(owner.address)
            assert left.limits == (Coin("uakt", 300_000),)


async def deliver(net: Any, key: Any, msg: Any) -> None:
    account, head = await net.chain.account(key.address), await net.chain.head()
    body = build.body([pack(msg)], timeout_unix_ns=head.time_unix_ns + 60 * 10**9, unordered=True)
    auth = build.auth_info(key.public_key, 0, 200_000, [Coin("uakt", 5_000)])
    answer = await net.chain.broadcast(await sign(key, body, auth, net.chain.id, account.number))
    assert answer.accepted, answer
