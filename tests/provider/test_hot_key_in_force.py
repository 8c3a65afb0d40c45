"""A hot key runs the whole daemon for a cold owner, on the sandbox chain: it bids, wins, withdraws and closes; it
cannot spend; and what it lacks is said, and made good while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from manifests.coins import Coin, DecCoin
from provider.chain import delegation
from provider.chain.keys import Key
from provider.chain.messages import CreateBid, GrantAllowance, Revoke
from provider.chain.tx import answers, build, once
from provider.chain.tx.gas import Belief
from provider.chain.wire import message, pack
from provider.errors import TxRefused
from provider.sandbox.town import living
from provider.settings import KeySettings

HOT = Key.from_hex("5" * 64)
FOREVER = 4_000_000_000


async def does(town: Any, key: Key, *msgs: Any) -> None:
    net = town.net
    ready = await once.draft(net.chain, key, msgs, net.settings.chain)
    await once.send(net.chain, key, ready)


def hot(town: Any, fee_granter: str = "") -> Any:
    """The network with a daemon that signs with the hot key for the same provider."""
    (town.work / "hot.hex").write_text("5" * 64)
    key = KeySettings(hex_file=town.work / "hot.hex", owner=town.net.provider.address, fee_granter=fee_granter)
    return replace(town.net, settings=town.net.settings.model_copy(update={"key": key}))


async def test_it_lives_a_leases_whole_life_with_the_owners_deposits_and_fees(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        net, owner = town.net, town.net.provider
        grants = delegation.wanted(owner.address, HOT.address, expires_unix_s=FOREVER, fee_granter=owner.address)
        await does(town, owner, *grants)
        async with living(hot(town, owner.address)) as running:
            assert running.address == owner.address
            assert running.signer.address == HOT.address
            timeline = await town.life().run()
            assert [step["step"] for step in timeline][-1] == "clean"
        assert (await net.chain.latest.balances(HOT.address)) == {}, "it never had a coin"
        signed = [tx for height in range(1, net.node.app.height + 1) for tx in transactions(net, height)]
        by_hot = [types for signer, types in signed if signer == HOT.public_key]
        assert by_hot, "it has signed"
        assert {t for types in by_hot for t in types} == {delegation.EXEC}


async def test_it_cannot_spend(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        owner, chain = town.net.provider, town.net.chain
        grants = delegation.wanted(owner.address, HOT.address, expires_unix_s=FOREVER, fee_granter=owner.address)
        await does(town, owner, *grants)
        send = message("cosmos.bank.v1beta1.MsgSend")(from_address=owner.address, to_address=HOT.address)
        send.amount.add(denom="uakt", amount="1")
        stolen = pack(message("cosmos.authz.v1beta1.MsgExec")(grantee=HOT.address, msgs=[pack(send)]))
        timeout = (await chain.head()).time_unix_ns + 60 * 10**9
        body = build.body([stolen], timeout_unix_ns=timeout, unordered=True)
        auth = build.auth_info(HOT.public_key, 0, 200_000, [Coin("uakt", 5_000)], owner.address)
        tried = await chain.simulate(build.raw(body, auth, b""), Belief(10**6))
        assert "authorization not found" in tried.error


async def test_what_is_missing_is_said_and_made_good_while_it_runs(
    in_town: Callable[..., Any], until: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "FUNDS_S", 1.0)  # the daemon's patience between two attempts
    async with in_town() as town:
        net, owner = town.net, town.net.provider
        grants = delegation.wanted(owner.address, HOT.address, expires_unix_s=FOREVER, fee_granter=owner.address)
        await does(town, owner, *grants)
        await does(town, owner, Revoke(owner.address, HOT.address, delegation.NEEDED[0]))
        with capture_logs() as said:
            async with living(hot(town, owner.address)):
                pass
        (problem,) = (line["why"] for line in said if line["event"] == "the hot key cannot do its work")
        assert f"has not granted MsgCreateBid to {HOT.address}" in problem
        with capture_logs() as said:
            async with living(hot(town, owner.address)):
                await net.tenant.post(town.compiled, 7, Coin("uact", 5_000_000))

                async def refused() -> bool:
                    return any("akp chain grants show" in line.get("why", "") for line in said)

                await until("the refusal is told with its cure", refused)
                await does(town, owner, grants[0])

                async def bidding() -> bool:
                    return [b.id.provider for b in await net.chain.latest.bids_on(town.order())] == [owner.address]

                await until("the bid, once it is granted", bidding)


async def test_a_fee_grant_that_is_used_up_is_named(in_town: Callable[..., Any]) -> None:
    async with in_town() as town:
        owner, chain = town.net.provider, town.net.chain
        await does(town, owner, GrantAllowance(owner.address, HOT.address, Coin("uakt", 10)))
        bid = CreateBid(town.our_lease(), DecCoin("uact", 10**18), Coin("uakt", 500_000))
        with pytest.raises(TxRefused, match=r"fee limit exceeded.*akp chain grants show"):
            await once.draft(chain, HOT, [bid], town.net.settings.chain, owner.address)


def transactions(net: Any, height: int) -> list[tuple[bytes, list[str]]]:
    """(public key, message types) of each transaction in a block."""
    out = []
    for tx in net.node.store.get(height).txs:
        raw = message("cosmos.tx.v1beta1.TxRaw").FromString(tx)
        auth = message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes)
        body = message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes)
        key = message("cosmos.crypto.secp256k1.PubKey").FromString(auth.signer_infos[0].public_key.value).key
        out.append((key, [box.type_url for box in body.messages]))
    return out
