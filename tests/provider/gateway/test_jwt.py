"""Tokens: signatures, forms, times and the table of rights (gateway-auth.md §3.1)."""

from __future__ import annotations

import hashlib
import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from manifests import bech32
from provider.gateway.claims import Access, Claims, DeploymentGrant, Permission, Scope
from provider.gateway.jwt import TokenRefused, adr36, read

NOW = 1_795_169_282
PROVIDER, OTHER = bech32.encode("akash", bytes(range(20))), bech32.encode("akash", bytes(20))
TIMES = {"iat": NOW, "nbf": NOW, "exp": NOW + 900}


def claims_of(tenant, **payload) -> Claims:
    token = read(tenant.token(**(TIMES | payload)))
    token.verify(tenant.public)
    return token.claims(NOW)


def refusal(call) -> tuple[int, str]:
    with pytest.raises(TokenRefused) as caught:
        call()
    return caught.value.status, caught.value.message


INVALID, CLAIMS, EXPIRED = (401, "JWT is invalid"), (400, "JWT has invalid claims"), (401, "JWT is expired")


@pytest.mark.parametrize("alg", ["ES256K", "ES256KADR36"])
def test_both_ways_of_signing(tenant, stranger, alg) -> None:
    token = read(tenant.token(alg=alg, **TIMES))
    token.verify(tenant.public)
    assert token.claims(NOW) == Claims(tenant.address, Access.FULL, expires_unix_s=NOW + 900)
    assert refusal(lambda: token.verify(stranger.public)) == INVALID


def test_a_signature_over_the_other_form_is_none(tenant) -> None:
    plain = read(tenant.token(**TIMES))
    crossed = type(plain)("ES256KADR36", plain.issuer, plain.payload, plain.signed, plain.signature)
    assert refusal(lambda: crossed.verify(tenant.public)) == INVALID


def test_the_adr36_document_is_canonical(tenant) -> None:
    text = adr36("akash1x", b"a.b")
    assert text == (
        b'{"account_number":"0","chain_id":"","fee":{"amount":[],"gas":"0"},"memo":"","msgs":[{"type":"sign/MsgSignData",'
        b'"value":{"data":"YS5i","signer":"akash1x"}}],"sequence":"0"}'
    )


def test_a_known_account_of_the_tenants_tools() -> None:
    """The published test account of the tools (gateway-auth.md §3.1): derivation, not only our own round trip."""
    public = bytes.fromhex("03e1fde5cc17f56501ed53d87718df76c135b9a6401dceb53d198111a1eaf85f76")
    address = bech32.encode("akash", hashlib.new("ripemd160", hashlib.sha256(public).digest()).digest())
    assert address == "akash1qufa3xzrf34qvwyejkhvnc4psf49fftaw0asmh"
    ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public)


def test_tampering_shows(tenant) -> None:
    head, body, signature = tenant.token(**TIMES).split(".")
    token = read(f"{head}.{body}.{signature}")
    for i in range(0, 64, 7):
        bad = bytearray(token.signature)
        bad[i] ^= 1
        forged = type(token)(token.algorithm, token.issuer, token.payload, token.signed, bytes(bad))
        assert refusal(lambda forged=forged: forged.verify(tenant.public)) == INVALID
    richer = tenant.token(**(TIMES | {"exp": NOW + 10**6})).split(".")[1]
    assert refusal(lambda: read(f"{head}.{richer}.{signature}").verify(tenant.public)) == INVALID


@pytest.mark.parametrize("length", [0, 63, 65, 70])
def test_signatures_have_64_bytes(tenant, length) -> None:
    token = read(tenant.token(**TIMES))
    cut = type(token)(token.algorithm, token.issuer, token.payload, token.signed, (token.signature * 2)[:length])
    assert refusal(lambda: cut.verify(tenant.public)) == INVALID


def test_high_s_is_refused(tenant) -> None:
    token = read(tenant.token(high_s=True, **TIMES))
    assert refusal(lambda: token.verify(tenant.public)) == INVALID


def test_zero_is_no_signature(tenant) -> None:
    token = read(tenant.token(**TIMES))
    zero = type(token)(token.algorithm, token.issuer, token.payload, token.signed, bytes(64))
    assert refusal(lambda: zero.verify(tenant.public)) == INVALID


def test_a_key_of_another_kind_is_refused(tenant) -> None:
    assert refusal(lambda: read(tenant.token(**TIMES)).verify(b"\x05" * 33)) == INVALID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a.b",
        "a.b.c",
        "..",
        "a.b.c.d",
        "e30.e30.e30",
        "e30.e30.e30=",
        "eyJhbGciOiJFUzI1NksifQ.W10.AA",
        "x" * 20_000,
    ],
)
def test_what_is_no_token(text) -> None:
    assert refusal(lambda: read(text)) == INVALID


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "HS256"},
        {"alg": "ES256"},
        {"alg": "es256k"},
        {"alg": 7},
        {},
        {"alg": "ES256K", "crit": ["x"], "x": 1},
        {"alg": "ES256K", "crit": ["b64"], "b64": False},
    ],
)
def test_headers_that_are_refused(tenant, header) -> None:
    assert refusal(lambda: read(tenant.token(header=header, **TIMES))) == INVALID


@pytest.mark.parametrize("issuer", ["", 7, None, "akash1short", bech32.encode("cosmos", bytes(20)), {}])
def test_issuers_that_are_refused(tenant, issuer) -> None:
    assert refusal(lambda: read(tenant.token(iss=issuer, **TIMES))) == INVALID


@pytest.mark.parametrize(
    ("times", "answer"),
    [
        ({"exp": NOW + 1}, None),
        ({"exp": NOW - 9}, None),  # clocks differ
        ({"exp": NOW - 10}, EXPIRED),
        ({"exp": 0}, EXPIRED),
        ({"nbf": NOW + 10}, None),
        ({"nbf": NOW + 11}, CLAIMS),
        ({"iat": NOW + 10**6}, None),  # compared with nothing
        ({"exp": NOW + 10**9}, None),
        ({"exp": str(NOW + 1), "nbf": str(NOW), "iat": str(NOW)}, None),
        ({"exp": NOW + 1.5}, None),
        ({"exp": None}, CLAIMS),
        ({"nbf": None}, CLAIMS),
        ({"iat": None}, CLAIMS),
        ({"exp": "soon"}, CLAIMS),
        ({"exp": True}, CLAIMS),
        ({"exp": -1}, CLAIMS),
        ({"exp": "nan"}, CLAIMS),
        ({"exp": float("inf")}, CLAIMS),
        ({"exp": [NOW]}, CLAIMS),
    ],
    ids=str,
)
def test_times(tenant, times, answer) -> None:
    if answer is None:
        assert claims_of(tenant, **times).owner == tenant.address
    else:
        assert refusal(lambda: claims_of(tenant, **times)) == answer


GRANT = {"dseq": 5, "scope": ["logs"], "services": ["web"]}


def granular(**entry) -> dict:
    return {"access": "granular", "permissions": [{"provider": PROVIDER, **entry}]}


@pytest.mark.parametrize(
    ("leases", "good"),
    [
        ({"access": "full"}, True),
        ({"access": "full", "scope": []}, True),
        ({"access": "full", "scope": ["logs"]}, False),
        ({"access": "full", "permissions": [{"provider": PROVIDER, "access": "full"}]}, False),
        ({"access": "scoped", "scope": ["logs", "shell"]}, True),
        ({"access": "scoped", "scope": [str(s) for s in Scope]}, True),
        ({"access": "scoped", "scope": []}, False),
        ({"access": "scoped"}, False),
        ({"access": "scoped", "scope": ["logs", "logs"]}, False),
        ({"access": "scoped", "scope": ["everything"]}, False),
        ({"access": "scoped", "scope": [7]}, False),
        ({"access": "scoped", "scope": "logs"}, False),
        ({"access": "scoped", "scope": ["logs"], "permissions": []}, False),
        ({"access": "granular"}, False),
        ({"access": "granular", "permissions": []}, False),
        ({"access": "granular", "permissions": ["x"]}, False),
        (granular(access="full"), True),
        (granular(access="full") | {"scope": ["logs"]}, True),  # the server lets it pass, the schema does not
        (granular(access="full", scope=["logs"]), False),
        (granular(access="full", deployments=[GRANT]), False),
        (granular(access="scoped", scope=["logs"]), True),
        (granular(access="scoped"), False),
        (granular(access="scoped", scope=["logs"], deployments=[]), False),
        (granular(access="granular", deployments=[GRANT]), True),
        (granular(access="granular", deployments=[GRANT | {"gseq": 1, "oseq": 1}]), True),
        (granular(access="granular", deployments=[GRANT | {"gseq": 1}]), True),
        (granular(access="granular", deployments=[GRANT | {"oseq": 1}]), False),
        (granular(access="granular", deployments=[GRANT | {"dseq": 0}]), False),
        (granular(access="granular", deployments=[GRANT | {"dseq": "5"}]), False),
        (granular(access="granular", deployments=[GRANT | {"dseq": 1 << 64}]), False),
        (granular(access="granular", deployments=[GRANT | {"gseq": 1 << 32}]), False),
        (granular(access="granular", deployments=[GRANT | {"scope": []}]), False),
        (granular(access="granular", deployments=[GRANT | {"services": []}]), False),
        (granular(access="granular", deployments=[GRANT | {"services": ["web", "web"]}]), False),
        (granular(access="granular", deployments=[GRANT | {"services": [""]}]), False),
        (granular(access="granular", deployments=[]), False),
        (granular(access="granular"), False),
        (granular(access="granular", scope=["logs"], deployments=[GRANT]), False),
        (granular(access="none"), False),
        (granular(access="full", provider="akash1x"), False),
        ({"access": "granular", "permissions": [{"provider": PROVIDER, "access": "full"}] * 2}, False),
        ({"access": "granular", "permissions": [{"provider": p, "access": "full"} for p in (PROVIDER, OTHER)]}, True),
        ({"access": "none"}, False),
        ({"access": ""}, False),
        ({}, False),
        (None, False),
        ([], False),
        ("full", False),
    ],
    ids=lambda v: json.dumps(v)[:90],
)
def test_rights_that_fit_together_and_rights_that_do_not(tenant, leases, good) -> None:
    if good:
        assert claims_of(tenant, leases=leases).access is Access(leases["access"])
    else:
        assert refusal(lambda: claims_of(tenant, leases=leases)) == CLAIMS


def test_what_is_granted_arrives(tenant) -> None:
    leases = granular(access="granular", deployments=[GRANT | {"gseq": 2, "oseq": 3, "scope": ["logs", "shell"]}])
    grant = DeploymentGrant(5, frozenset({Scope.LOGS, Scope.SHELL}), frozenset({"web"}), 2, 3)
    assert claims_of(tenant, leases=leases).permissions == (
        Permission(PROVIDER, Access.GRANULAR, deployments=(grant,)),
    )
    assert claims_of(tenant, leases={"access": "scoped", "scope": ["status"]}).scope == {Scope.STATUS}


def test_a_bad_signature_wins_over_expiry_and_other_claims_are_ignored(tenant, stranger) -> None:
    old = read(tenant.token(**(TIMES | {"exp": 1, "jti": "x", "aud": ["somebody"]})))
    assert refusal(lambda: old.verify(stranger.public)) == INVALID
    assert refusal(lambda: old.claims(NOW)) == EXPIRED
