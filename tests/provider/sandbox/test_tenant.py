"""A tenant knows the daemon only as any tenant does: by its record on chain, its certificate, and its gateway."""

from __future__ import annotations

import base64
import json
import ssl
import time
from collections.abc import Callable
from types import SimpleNamespace as Some
from typing import Any

import pytest

from manifests.coins import Coin
from manifests.ids import DeploymentID
from provider.chain.keys import Key
from provider.errors import NotFound, Refused, Retry
from provider.sandbox.tenant import Gateway, Tenant
from provider.sandbox.town import living

KEY = Key.from_hex("22" * 32)


def parts(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    head, claims, _ = token.split(".")
    return tuple(json.loads(base64.urlsafe_b64decode(p + "==")) for p in (head, claims))


def test_its_token_is_its_own_and_short_lived() -> None:
    header, claims = parts(Tenant(Some(), Some(), KEY).token())
    assert header == {"alg": "ES256K", "typ": "JWT"}
    assert claims["iss"] == KEY.address
    assert claims["nbf"] <= time.time() < claims["exp"] <= time.time() + 300
    assert claims["leases"] == {"access": "full"}


async def test_it_posts_leases_nothing_by_itself_and_closes(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town:
        tenant, latest = town.net.tenant, town.net.chain.latest
        await tenant.post(town.compiled, 3, Coin("uact", 5_000_000))

        async def state() -> str:
            try:
                return (await latest.deployment(DeploymentID(tenant.key.address, 3))).state
            except NotFound:
                return ""

        async def active() -> bool:
            return await state() == "active"

        async def closed() -> bool:
            return await state() == "closed"

        await until("the deployment is on chain", active)
        assert (await latest.deployment(DeploymentID(tenant.key.address, 3))).hash == town.compiled.version
        await tenant.close(3)
        await until("and off it", closed)


async def test_it_trusts_the_certificate_the_chain_lists_and_no_other(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town, living(town.net) as running:
        tenant = town.net.tenant

        async def listed() -> bool:
            return bool(await town.net.chain.latest.certificates(running.address))

        await until("the certificate is on chain", listed)
        async with await tenant.gateway(running.address) as gateway:
            assert gateway
        uri = (await town.net.chain.latest.provider(running.address)).host_uri
        for other, no in ((None, Retry), (Some(state="revoked", cert_pem=b""), Refused)):

            async def certificate(owner: str, serial: int, other: Any = other) -> Any:
                return other

            doubting = Tenant(Some(latest=Some(certificate=certificate)), Some(), tenant.key)
            with pytest.raises(no, match=r"shows a certificate that is not .*on chain"):
                await doubting._trust(running.address, uri)


async def test_what_the_gateway_answers_is_told(in_town: Callable[..., Any], until: Any) -> None:
    async with in_town() as town, living(town.net) as running:
        await town.net.tenant.post(town.compiled, 3, Coin("uact", 5_000_000))

        async def known() -> bool:  # the chain learns an account's key from its first transaction
            account = await town.net.chain.account(town.net.tenant.key.address)
            return account is not None and bool(account.public_key)

        await until("the tenant's key is on chain", known)
        async with await town.net.tenant.gateway(running.address) as gateway:
            assert (await gateway.status())["address"] == running.address
            with pytest.raises(Refused, match="404: no lease for deployment"):
                await gateway.send_manifest(9, town.compiled)
            assert await gateway.lease_status(town.our_lease(9)) is None


async def test_a_gateway_that_is_gone_is_trouble_that_passes() -> None:
    async with Gateway("https://127.0.0.1:1", ssl.create_default_context(), lambda: "token") as gateway:
        with pytest.raises(Retry, match="cannot be reached"):
            await gateway.status()
