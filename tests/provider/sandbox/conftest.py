"""Tenants' wallets for the sandbox chain: they sign with the textbook method, sharing no code with daemon or chain."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from manifests import bech32
from provider.chain.wire import message, pack
from provider.sandbox.chain.app import App
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node

ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


@dataclass
class Wallet:
    """Counts its own sequence; `send` returns the signed bytes of a MsgSend to itself of `amount` uakt."""

    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256K1()))
    sequence: int = 0
    number: int = 0

    @property
    def public(self) -> bytes:
        form = serialization.PublicFormat.CompressedPoint
        return self.key.public_key().public_bytes(serialization.Encoding.X962, form)

    @property
    def address(self) -> str:
        return bech32.encode("akash", hashlib.new("ripemd160", hashlib.sha256(self.public).digest()).digest())

    def send(
        self,
        app: App,
        amount: int = 1,
        *,
        to: str = "",
        sequence: int | None = None,
        gas: int = 200_000,
        memo: str = "",
        signed: bool = True,
    ) -> bytes:
        msg = message("cosmos.bank.v1beta1.MsgSend")(from_address=self.address, to_address=to or self.address)
        msg.amount.add(denom="uakt", amount=str(amount))
        body = message("cosmos.tx.v1beta1.TxBody")(messages=[pack(msg)], memo=memo).SerializeToString()
        auth = message("cosmos.tx.v1beta1.AuthInfo")()
        key = message("cosmos.crypto.secp256k1.PubKey")(key=self.public)
        signer = auth.signer_infos.add(public_key=pack(key), sequence=self.sequence if sequence is None else sequence)
        signer.mode_info.single.mode = 1
        auth.fee.gas_limit = gas
        auth.fee.amount.add(denom="uakt", amount=str(gas // 40))
        info = auth.SerializeToString()
        signature = self._sign(app, body, info) if signed else b""
        if sequence is None and signed:
            self.sequence += 1
        raw = message("cosmos.tx.v1beta1.TxRaw")(body_bytes=body, auth_info_bytes=info, signatures=[signature])
        return raw.SerializeToString()

    def _sign(self, app: App, body: bytes, info: bytes) -> bytes:
        document = message("cosmos.tx.v1beta1.SignDoc")(
            body_bytes=body, auth_info_bytes=info, chain_id=app.chain_id, account_number=self.number
        )
        r, s = utils.decode_dss_signature(self.key.sign(document.SerializeToString(), ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + min(s, ORDER - s).to_bytes(32)


@pytest.fixture
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture
def app(wallet: Wallet) -> App:
    """A chain where `wallet` owns a million uakt."""
    return App(Genesis.default({wallet.address: {"uakt": 1_000_000}}))


@pytest.fixture
def tx_hash_of() -> Callable[[bytes], str]:
    def of(tx: Any) -> str:
        return hashlib.sha256(tx).hexdigest().upper()

    return of


@pytest.fixture
async def node(app: App) -> AsyncIterator[Node]:
    """Stepped by hand, six virtual seconds per block. One task enters and leaves it, as its task group wants."""
    started: asyncio.Future[Node] = asyncio.get_running_loop().create_future()
    stop = asyncio.Event()

    async def life() -> None:
        async with Node(app, block_time_s=None, virtual_block_time_s=6) as running:
            started.set_result(running)
            await stop.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(life())
        yield await started
        stop.set()


@pytest.fixture
async def rpc(node: Node) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """`await rpc("block", height="5")`: the result, or the error with its code, message and data."""
    async with aiohttp.ClientSession() as http:

        async def call(method: str, **params: Any) -> Any:
            body = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
            async with http.post(node.rpc_url, json=body) as answer:
                reply = await answer.json()
            assert (reply["jsonrpc"], reply["id"]) == ("2.0", 7)
            return reply.get("result", reply.get("error"))

        yield call
