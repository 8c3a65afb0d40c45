"""A running gateway over real sockets and real certificates, a desk that keeps its promises in memory, and tenants."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import io
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yarl
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from manifests import bech32
from manifests.ids import LeaseID
from provider.gateway.app import application
from provider.gateway.certificates import ServerCertificates, Source
from provider.gateway.desk import Answer
from provider.gateway.identity import Identities
from provider.gateway.jwt import adr36
from provider.gateway.server import Limits, Serving, serve
from provider.gateway.tls import PeerContext

LIMITS = Limits(handshake_s=3600, head_s=3600)
"""A client here may stand still for as long as its machine does; test_server.py is about those who say nothing."""

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass
class Account:
    """An account of the chain: signs tokens as a wallet does."""

    key: ec.EllipticCurvePrivateKey

    @property
    def public(self) -> bytes:
        return self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint
        )

    @property
    def address(self) -> str:
        return bech32.encode("akash", hashlib.new("ripemd160", hashlib.sha256(self.public).digest()).digest())

    def sign(self, message: bytes, *, high_s: bool = False) -> bytes:
        r, s = utils.decode_dss_signature(self.key.sign(message, ec.ECDSA(hashes.SHA256())))
        s = max(s, ORDER - s) if high_s else min(s, ORDER - s)
        return r.to_bytes(32) + s.to_bytes(32)

    def token(self, *, alg: str = "ES256K", high_s: bool = False, header: dict | None = None, **claims: Any) -> str:
        now = int(time.time())
        payload = {
            "iss": self.address,
            "iat": now,
            "nbf": now,
            "exp": now + 900,
            "version": "v1",
            "leases": {"access": "full"},
        } | claims
        payload = {k: v for k, v in payload.items() if v is not None}
        header = {"alg": alg, "typ": "JWT"} if header is None else header
        signed = f"{b64(json.dumps(header))}.{b64(json.dumps(payload))}".encode()
        message = adr36(payload["iss"], signed) if alg == "ES256KADR36" else signed
        return f"{signed.decode()}.{b64(self.sign(message, high_s=high_s))}"


def b64(data: str | bytes) -> str:
    return base64.urlsafe_b64encode(data.encode() if isinstance(data, str) else data).rstrip(b"=").decode()


@dataclass
class Pair:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )

    def stolen_by(self, thief: Pair) -> bytes:
        """A key file with the thief's secret beside this certificate's public point: so OpenSSL is willing to try."""

        def point(pair: Pair) -> bytes:
            form = serialization.PublicFormat.UncompressedPoint
            return pair.key.public_key().public_bytes(serialization.Encoding.X962, form)

        body = base64.b64decode(b"".join(thief.key_pem.splitlines()[1:-1])).replace(point(thief), point(self))
        return b"-----BEGIN EC PRIVATE KEY-----\n" + base64.b64encode(body) + b"\n-----END EC PRIVATE KEY-----\n"

    @property
    def public_pem(self) -> bytes:
        """As the chain stores it: an ordinary key under an unusual label."""
        text = self.key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return text.replace(b"PUBLIC KEY", b"EC PUBLIC KEY")


def make_pair(
    owner: str,
    *,
    issuer: str | None = None,
    serial: int | None = None,
    digital_signature: bool = False,
    client_auth: bool = True,
    days: tuple[float, float] = (-0.01, 365),
    names: tuple[str, ...] = (),
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Pair:
    """A certificate shaped as the chain's tools make them: self-signed, and mostly without digitalSignature."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    version = x509.NameAttribute(ObjectIdentifier("2.23.133.2.6"), "v0.0.1")
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    usage = x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=True,
        data_encipherment=True,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH] * client_auth + [ExtendedKeyUsageOID.SERVER_AUTH] * bool(names)
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, owner), version]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer or owner), version]))
        .public_key(key.public_key())
        .serial_number(serial or time.time_ns())
        .not_valid_before(now + dt.timedelta(days=days[0]))
        .not_valid_after(now + dt.timedelta(days=days[1]))
        .add_extension(usage, critical=True)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    if names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(n) for n in names])
        builder = builder.add_extension(alternatives, critical=False)
    return Pair(builder.sign(key, hashes.SHA256()), key)


@dataclass
class FakeDesk:
    """Leases by owner and dseq, certificates and account keys as the chain would hold them; counts what it was
    asked."""

    provider: str
    manifests: dict[tuple[str, int], bytes | None] = field(default_factory=dict)
    leases: dict[LeaseID, dict[str, Any]] = field(default_factory=dict)
    certificates: dict[tuple[str, int], bytes] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)
    hosts: dict[str, tuple[LeaseID, str]] = field(default_factory=dict)
    """host name or endpoint -> the lease and service it leads to"""
    lookups: int = 0
    trouble: Exception | None = None

    def status(self) -> dict[str, Any]:
        return {"cluster": {"leases": len(self.leases)}, "address": self.provider}

    def version(self) -> dict[str, Any]:
        return {"akash": {"version": "v0.14.1", "cosmos_sdk_version": "v0.53.6"}, "kube": {"major": "1"}}

    async def submit_manifest(self, owner: str, dseq: int, body: bytes) -> None:
        if self.trouble:
            raise self.trouble
        if (owner, dseq) not in self.manifests:
            raise Answer(404, "no lease for deployment")
        if body == b"other":
            raise Answer(422, "manifest version validation failed")
        self.manifests[owner, dseq] = body

    def lease_status(self, lease: LeaseID) -> dict[str, Any]:
        if lease not in self.leases:
            raise Answer(404, "lease not found")
        return self.leases[lease]

    def lease_manifest(self, lease: LeaseID) -> list[dict[str, Any]]:
        return [{"name": "g", "services": [{"name": name} for name in self.lease_status(lease)["services"]]}]

    async def migrate_hostnames(self, owner: str, dseq: int, gseq: int, names: Any, allowed: Any) -> None:
        lease = next((x for x in self.leases if (x.owner, x.dseq, x.gseq) == (owner, dseq, gseq)), None)
        if lease is None:
            raise Answer(400, "destination deployment does not exist")
        for name in names:
            holder, service = self.hosts[name]
            allowed(lease, service)
            allowed(holder, service)
        self.hosts |= {name: (lease, self.hosts[name][1]) for name in names}

    migrate_endpoints = migrate_hostnames

    async def certificate(self, owner: str, serial: int) -> bytes | None:
        self.lookups += 1
        if self.trouble:
            raise self.trouble
        return self.certificates.get((owner, serial))

    async def account_key(self, owner: str) -> bytes | None:
        if self.trouble:
            raise self.trouble
        return self.keys.get(owner)

    def publish(self, pair: Pair) -> Pair:
        """What MsgCreateCertificate does."""
        name = pair.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        self.certificates[str(name), pair.certificate.serial_number] = pair.pem
        return pair


@dataclass
class Gateway:
    """A running gateway and the tools to call it."""

    serving: Serving
    directory: Path

    @property
    def port(self) -> int:
        return self.serving.port

    def client(self, *pairs: Pair, key_pem: bytes | None = None) -> ssl.SSLContext:
        """A client's TLS: shows `pairs[0]` (and sends the others along), believes any server."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if pairs:
            path = self.directory / f"client-{time.time_ns()}.pem"
            path.write_bytes(b"".join(p.pem for p in pairs) + (key_pem or pairs[0].key_pem))
            context.load_cert_chain(path)
        return context

    async def call(
        self,
        method: str,
        path: str,
        *pairs: Pair,
        token: str | None = None,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> tuple[int, str, str]:
        """(status, content type, body) of one request over a connection of its own."""
        headers = (headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        url = f"https://127.0.0.1:{self.port}{path}"
        async with (
            self.session(*pairs, tls=tls) as http,
            http.request(
                method,
                yarl.URL(url, encoded=True),
                data=io.BytesIO(body) if body is not None else None,
                headers=headers,
            ) as r,
        ):
            return r.status, r.headers.get("Content-Type", ""), await r.text()

    def session(self, *pairs: Pair, tls: ssl.SSLContext | None = None) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=tls or self.client(*pairs))
        base, timeout = f"https://127.0.0.1:{self.port}", aiohttp.ClientTimeout(total=180)
        return aiohttp.ClientSession(base, connector=connector, timeout=timeout)


@pytest.fixture
def tenant() -> Account:
    return Account(ec.generate_private_key(ec.SECP256K1()))


@pytest.fixture
def stranger() -> Account:
    return Account(ec.generate_private_key(ec.SECP256K1()))


@pytest.fixture
def pair_of() -> Callable[..., Pair]:
    return make_pair


@pytest.fixture
def desk(tenant: Account) -> FakeDesk:
    """The provider has lease 7/1/1 with `tenant`: services web and db."""
    provider = bech32.encode("akash", bytes(range(20)))
    status = {
        "services": {"web": {"name": "web", "available": 1}, "db": {"name": "db", "available": 1}},
        "forwarded_ports": {"db": [{"port": 5432, "externalPort": 31234}]},
        "ips": None,
    }
    return FakeDesk(
        provider,
        manifests={(tenant.address, 7): None},
        leases={LeaseID(tenant.address, 7, 1, 1, provider): status},
        keys={tenant.address: tenant.public},
    )


@pytest.fixture
def run_gateway(desk: FakeDesk, tmp_path: Path) -> Callable[..., Any]:
    """`async with run_gateway(limits=…, ttl_s=…) as gateway`."""

    @contextlib.asynccontextmanager
    async def run(
        limits: Limits = LIMITS, ttl_s: float = 60.0, server: Pair | None = None, **options: Any
    ) -> AsyncIterator[Gateway]:
        server = server or make_pair(desk.provider, names=("provider.example.com",))
        (tmp_path / "server.pem").write_bytes(server.pem + server.key_pem)
        certificates = ServerCertificates(Source(tmp_path / "server.pem"))
        app = application(desk, identities=Identities(desk.certificate, ttl_s=ttl_s), **options)
        async with serve(app, PeerContext(certificates.choose), "127.0.0.1:0", limits) as serving:
            yield Gateway(serving, tmp_path)

    return run


@pytest.fixture
async def gateway(run_gateway: Callable[..., Any]) -> AsyncIterator[Gateway]:
    # A fixture's set-up and tear-down run in different tasks; a task group minds, so one task does both.
    started: asyncio.Future[Gateway] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    async def life() -> None:
        async with run_gateway() as running:
            started.set_result(running)
            await stop.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(life())
        yield await started
        stop.set()
