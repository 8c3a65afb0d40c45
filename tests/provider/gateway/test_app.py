"""Who gets in and who does not, over real TLS; what refusals look like."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from provider.errors import Retry

STATUS = "/lease/7/1/1/status"
JSON = "application/json"


async def test_a_published_certificate_gets_in_once_looked_up_per_connection(gateway, desk, tenant, pair_of) -> None:
    mine = desk.publish(pair_of(tenant.address))
    async with gateway.session(mine) as http:
        for _ in range(3):
            async with http.get(STATUS) as answer:
                assert answer.status == 200
                assert set((await answer.json())["services"]) == {"web", "db"}
    assert desk.lookups == 1


@pytest.mark.parametrize("digital_signature", [False, True])
async def test_certificates_with_and_without_digital_signature_are_equal(
    gateway, desk, tenant, pair_of, digital_signature
) -> None:
    mine = desk.publish(pair_of(tenant.address, digital_signature=digital_signature))
    assert (await gateway.call("GET", STATUS, mine))[0] == 200


async def test_the_chain_may_answer_with_the_public_key_instead(gateway, desk, tenant, pair_of) -> None:
    mine = pair_of(tenant.address)
    desk.certificates[tenant.address, mine.certificate.serial_number] = mine.public_pem
    assert (await gateway.call("GET", STATUS, mine))[0] == 200


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("unpublished", "the client certificate is not on chain, or was revoked"),
        ("forged", "the client certificate is not the one on chain"),
        ("expired", "the client certificate expired at "),
        ("early", "the client certificate is not valid before "),
        ("server only", "the certificate is not made for clients"),
        ("another issuer", "the client certificate must name one account"),
        ("no account", "the client certificate's common name is not an account address"),
    ],
)
async def test_a_bad_certificate_is_told_why(gateway, desk, tenant, stranger, pair_of, what, reason) -> None:
    shown = {
        "unpublished": lambda: pair_of(tenant.address),
        "expired": lambda: desk.publish(pair_of(tenant.address, days=(-10, -1))),
        "early": lambda: desk.publish(pair_of(tenant.address, days=(1, 10))),
        "server only": lambda: desk.publish(pair_of(tenant.address, client_auth=False, names=("a.example.com",))),
        "another issuer": lambda: desk.publish(pair_of(tenant.address, issuer=stranger.address)),
        "no account": lambda: desk.publish(pair_of("tenant")),
        # the victim's name and the victim's serial, with the forger's key
        "forged": lambda: pair_of(
            tenant.address, serial=desk.publish(pair_of(tenant.address)).certificate.serial_number
        ),
    }[what]()
    status, kind, body = await gateway.call("GET", STATUS, shown)
    assert (status, kind) == (401, JSON)
    assert json.loads(body)["message"].startswith(reason)
    assert (await gateway.call("GET", "/status", shown))[0] == 401, "public routes mind a bad certificate too"


async def test_a_stolen_certificate_without_its_key_does_not_get_through_the_handshake(
    gateway, desk, tenant, pair_of
) -> None:
    victim, thief = desk.publish(pair_of(tenant.address)), pair_of(tenant.address)
    tls = gateway.client(victim, key_pem=victim.stolen_by(thief))
    # In TLS 1.3 the client is done first and hears of the refusal when it reads.
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, ssl=tls)
    writer.write(b"GET /lease/7/1/1/status HTTP/1.1\r\nHost: x\r\n\r\n")
    try:
        heard = repr(await reader.read(100))
    except OSError as alert:
        heard = str(alert)
    writer.close()
    assert heard == "b''" or "decrypt error" in heard.lower().replace("_", " "), "closed, with or without the alert"
    assert desk.lookups == 0
    assert (await gateway.call("GET", STATUS, victim))[0] == 200, "the victim still gets in"


async def test_two_certificates_are_one_too_many(gateway, desk, tenant, pair_of) -> None:
    mine, other = desk.publish(pair_of(tenant.address)), desk.publish(pair_of(tenant.address))
    status, _, body = await gateway.call("GET", STATUS, mine, other)
    assert status == 401
    assert "too many client certificates: 2" in body


async def test_a_revocation_bites_on_an_open_connection_when_the_memory_is_over(
    run_gateway, desk, tenant, pair_of
) -> None:
    mine = desk.publish(pair_of(tenant.address))
    async with run_gateway(ttl_s=0.0) as gateway, gateway.session(mine) as http:
        async with http.get(STATUS) as answer:
            assert answer.status == 200
        desk.certificates.clear()
        async with http.get(STATUS) as answer:
            assert answer.status == 401
        desk.publish(mine)
        async with http.get(STATUS) as answer:
            assert answer.status == 200, "a refusal is not remembered"


async def test_a_chain_that_does_not_answer_is_503_not_a_broken_socket(gateway, desk, tenant, pair_of) -> None:
    mine = desk.publish(pair_of(tenant.address))
    desk.trouble = Retry("grpc: 10.0.0.7:9090 refused")
    status, _, body = await gateway.call("GET", STATUS, mine)
    assert (status, body) == (503, "temporarily unavailable, try again\n"), "and names no address of ours"
    assert (await gateway.call("GET", STATUS, token=tenant.token()))[0] == 503


@pytest.mark.parametrize("alg", ["ES256K", "ES256KADR36"])
async def test_a_token_gets_in(gateway, tenant, alg) -> None:
    assert (await gateway.call("GET", STATUS, token=tenant.token(alg=alg)))[0] == 200


async def test_certificate_and_token_together_are_ambiguous(gateway, desk, tenant, pair_of) -> None:
    mine = desk.publish(pair_of(tenant.address))
    status, kind, body = await gateway.call("GET", STATUS, mine, token=tenant.token())
    assert (status, kind) == (400, JSON)
    assert body == '{"message":"auth: ambiguous authentication. may not use mTLS and JWT at the same time"}'


@pytest.mark.parametrize(
    ("claims", "status", "message"),
    [
        ({"exp": int(time.time()) - 60}, 401, "JWT is expired"),
        ({"version": "v2"}, 400, "JWT has invalid claims"),
        ({"alg": "none"}, 401, "JWT is invalid"),
        ({"high_s": True}, 401, "JWT is invalid"),
    ],
    ids=["expired", "version", "algorithm", "high S"],
)
async def test_a_bad_token_fails_public_routes_too(gateway, tenant, claims, status, message) -> None:
    for path in (STATUS, "/status", "/version", "/address"):
        assert await gateway.call("GET", path, token=tenant.token(**claims)) == (
            status,
            JSON,
            json.dumps({"message": message}, separators=(",", ":")),
        )


async def test_an_account_without_a_key_cannot_use_tokens(gateway, stranger) -> None:
    assert (await gateway.call("GET", STATUS, token=stranger.token()))[::2] == (401, '{"message":"JWT is invalid"}')


@pytest.mark.parametrize("header", ["Basic abc", "Bearer", "Bearer a b", "abc"])
async def test_a_malformed_header(gateway, header) -> None:
    answer = await gateway.call("GET", "/status", headers={"Authorization": header})
    assert answer == (400, JSON, '{"message":"invalid authorization header"}')


async def test_nobody_sees_public_routes_only(gateway, desk) -> None:
    assert json.loads((await gateway.call("GET", "/status"))[2])["address"] == desk.provider
    assert await gateway.call("GET", "/address") == (
        200,
        "application/json; charset=UTF-8",
        f'{{"address":"{desk.provider}"}}',
    )
    assert await gateway.call("GET", STATUS) == (401, JSON, '{"message":"unauthorized access"}')


async def test_paths_that_lead_nowhere(gateway, tenant) -> None:
    assert await gateway.call("GET", "/nowhere", token="rubbish") == (
        404,
        "text/plain; charset=utf-8",
        "404 page not found\n",
    )
    status, _, body = await gateway.call("POST", "/status")
    assert (status, body) == (405, "")
    assert (await gateway.call("GET", "//status"))[0] == 200, "a host URI that ends in a slash"
    assert (await gateway.call("GET", "//lease/7/1/1/status", token=tenant.token()))[0] == 200


async def test_what_is_unexpected_is_not_shown(gateway, desk, tenant) -> None:
    desk.trouble = ZeroDivisionError("secret")
    answer = await gateway.call("PUT", "/deployment/7/manifest", body=b"[]", token=tenant.token())
    assert answer[0] == 500
    assert "secret" not in answer[2]
