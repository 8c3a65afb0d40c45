"""A tenant, as the other side of the market: posts an order from an SDL file, picks a bid, sends the manifest,
watches, closes.

It knows the daemon only as any tenant does: by its record on chain and its HTTPS gateway, whose certificate it
trusts because the chain lists it.
"""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
from collections.abc import Callable
from typing import Any, Literal

import httpx
from cryptography import x509

from manifests.coins import Coin
from manifests.ids import DeploymentID, LeaseID
from manifests.sdl import Compiled
from manifests.wire import manifest_json
from provider.chain.client import Chain
from provider.chain.keys import Key
from provider.chain.messages import CloseDeployment, CreateDeployment, CreateLease, Msg
from provider.chain.tx.signer import Signer
from provider.errors import Refused, Retry

PATIENCE = 300
"""tries of a message, a fifth of a second apart"""
ANSWER_S = 120.0
"""longest wait for a gateway's answer; it may live in a machine that has other things to do"""
TRIES = 3
"""of a request whose connection breaks: a gateway does not wait long for those who stand still"""


class Tenant:
    """One key, one gateway at a time. Every step returns what was really observed, with the height it was observed
    at."""

    def __init__(self, chain: Chain, signer: Signer, key: Key) -> None:
        self.chain, self.signer, self.key = chain, signer, key

    async def post(self, compiled: Compiled, dseq: int, deposit: Coin) -> None:
        await self.send(
            CreateDeployment(
                DeploymentID(self.key.address, dseq),
                compiled.groups,
                compiled.version,
                deposit,
                compiled.reclamation_min_window_s,
            )
        )

    async def send(self, msg: Msg) -> str:
        """Trouble that passes (a node between two blocks, say) is sat out for a while."""
        for _ in range(PATIENCE):
            try:
                return await self.signer.send(msg)
            except Retry:
                await asyncio.sleep(0.2)
        return await self.signer.send(msg)

    async def lease(self, bid: LeaseID) -> None:
        await self.send(CreateLease(bid))

    async def close(self, dseq: int) -> None:
        await self.send(CloseDeployment(DeploymentID(self.key.address, dseq)))

    async def gateway(self, provider: str) -> Gateway:
        """The provider's gateway, found and trusted through its record on chain. Retry while nobody listens there, or
        its certificate is not on chain yet."""
        record = await self.chain.latest.provider(provider)
        return Gateway(record.host_uri, await self._trust(provider, record.host_uri), self.token)

    def token(self) -> str:
        """A bearer token for everything that is ours, valid for five minutes (gateway-auth.md §3.1, ES256K)."""
        now = int(time.time())
        header = {"alg": "ES256K", "typ": "JWT"}
        claims = {
            "iss": self.key.address,
            "iat": now,
            "nbf": now - 5,
            "exp": now + 300,
            "version": "v1",
            "leases": {"access": "full"},
        }
        signed = ".".join(_b64(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
        return f"{signed}.{_b64(self.key.sign(signed.encode()))}"

    async def _trust(self, provider: str, uri: str) -> ssl.SSLContext:
        """TLS that accepts the very certificate the chain lists as the provider's, and no other."""
        host, port = httpx.URL(uri).host, httpx.URL(uri).port or 443
        try:
            pem = await asyncio.to_thread(ssl.get_server_certificate, (host, port), timeout=ANSWER_S)
        except OSError as trouble:
            raise Retry(f"the gateway cannot be reached: {trouble}") from None
        shown = x509.load_pem_x509_certificate(pem.encode())
        listed = await self.chain.latest.certificate(provider, shown.serial_number)
        if listed is None:
            raise Retry(f"{uri} shows a certificate that is not on chain, or not yet")
        if listed.state != "valid" or x509.load_pem_x509_certificate(listed.cert_pem) != shown:
            raise Refused(f"{uri} shows a certificate that is not {provider}'s on chain")
        context = ssl.create_default_context(cadata=pem)
        context.check_hostname = False  # the chain vouches for the certificate, not a name in it
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        return context


class Gateway:
    """A provider's HTTPS gateway, as a tenant uses it."""

    def __init__(self, uri: str, trust: ssl.SSLContext, token: Callable[[], str]) -> None:
        self._http = httpx.AsyncClient(base_url=uri, verify=trust, timeout=ANSWER_S, trust_env=False)
        self._token = token

    async def __aenter__(self) -> Gateway:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def send_manifest(self, dseq: int, compiled: Compiled) -> None:
        answer = await self._call(
            "PUT", f"/deployment/{dseq}/manifest", json.dumps(manifest_json(compiled.manifest)).encode()
        )
        if answer.status_code != 200:
            raise Refused(f"the gateway answered {answer.status_code}: {answer.text.strip()}")

    async def lease_status(self, lease: LeaseID) -> dict[str, Any] | None:
        answer = await self._call("GET", f"/lease/{lease.dseq}/{lease.gseq}/{lease.oseq}/status")
        return answer.json() if answer.status_code == 200 else None

    async def migrate(self, what: Literal["hostname", "endpoint"], names: list[str], lease: LeaseID) -> None:
        """From whichever of the tenant's leases has them to this one."""
        wanted = {f"{what}s_to_migrate": names, "destination_dseq": lease.dseq, "destination_gseq": lease.gseq}
        answer = await self._call("POST", f"/{what}/migrate", json.dumps(wanted).encode())
        if answer.status_code != 200:
            raise Refused(f"the gateway answered {answer.status_code}: {answer.text.strip()}")

    async def status(self) -> dict[str, Any]:
        answer = await self._call("GET", "/status")
        return dict(answer.json())

    async def _call(self, method: str, path: str, body: bytes | None = None) -> httpx.Response:
        for left in reversed(range(TRIES)):
            try:
                answer = await self._http.request(
                    method,
                    path,
                    content=body,
                    headers={"Authorization": f"Bearer {self._token()}", "Content-Type": "application/json"},
                )
                break
            except httpx.TransportError as trouble:
                if not left or isinstance(trouble, httpx.ConnectError):
                    raise Retry(f"the gateway cannot be reached: {trouble}") from None
        if answer.status_code == 503:
            raise Retry(f"the gateway answered 503: {answer.text.strip()}")
        return answer


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
