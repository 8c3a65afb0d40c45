"""A small chain with the rules that matter to a signer: signatures, nonces, money, one settlement a block, blame.

Every transaction is decoded from its bytes and its signature verified; nothing is believed because our own code said
so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

from manifests.coins import Coin, DecCoin
from manifests.ids import LeaseID
from provider.chain import messages as ask
from provider.chain import wire
from provider.chain.comet import Head
from provider.chain.convert.records import Account
from provider.chain.events import Block, TxResult
from provider.chain.keys import Key
from provider.chain.nodes import Doubted
from provider.chain.tx import build
from provider.chain.tx.broadcast import Answer, Found, Simulation
from provider.chain.tx.gas import Belief

KEY = Key.from_hex("42" * 32)
SECOND = 10**9
DEPOSIT = 500_000


class No(Exception):
    def __init__(self, codespace: str, code: int, text: str) -> None:
        self.codespace, self.code, self.text = codespace, code, text


class FakeChain:
    """Orders by dseq: those in `closed` refuse bids. `money` pays deposits and fees. Withdrawing twice in a block
    panics."""

    def __init__(self) -> None:
        self.id, self.number, self.height, self.time_ns = "sandbox", 7, 100, 5_000_000 * SECOND
        self.closed: set[int] = set()
        self.bids: set[int] = set()
        self.paid: list[tuple[int, int]] = []  # (height, dseq)
        self.bid_at: dict[int, int] = {}
        self.money = 10**15
        self.price, self.most_price = 25 * 10**15, 25 * 10**16
        self.unordered_enabled, self.sequence = True, 0
        self.mempool: dict[str, bytes] = {}
        self.nonces: set[int] = set()
        self.calls: Counter[str] = Counter()
        self.batches: list[int] = []
        self.taken: list[bytes] = []
        self.troubles: dict[str, list[Exception | No]] = {}
        self.offers_simulation = True
        self.gas_per_message = 120_000
        self.gas_of_end: dict[int, int] = {}
        """by dseq: what it takes to close all bids of a deployment that ends by the message"""
        self.nodes_agree = True
        self.settled: dict[int, int] = {}
        self.included: dict[str, Found] = {}
        self.blocks: list[Block] = []

    # -- what the signer asks

    async def head(self) -> Head:
        self.calls["head"] += 1
        return Head(self.height, self.time_ns)

    async def account(self, address: str) -> Account | None:
        self.calls["account"] += 1
        assert address == KEY.address
        return Account(self.number, self.sequence, None)

    async def minimum_gas_price(self) -> int:
        if self.price > self.most_price:
            raise Doubted("it wants too much")
        return self.price

    async def simulate(self, tx: bytes, belief: Belief) -> Simulation:
        self.calls["simulate"] += 1
        await asyncio.sleep(0.05)
        if not self.offers_simulation:
            return Simulation(offered=False)
        body, auth, _ = decoded(tx)
        try:
            self._trouble("simulate")
            self._ante(body, auth, fee=False)
            gas = self._run(body, self.height, for_real=False)
        except No as no:
            return Simulation(error=f"{no.text} [baseapp.go:1052] with gas used: '5'")
        if gas > (belief.agreed if self.nodes_agree else 0) and gas > belief.usual:
            raise Doubted(f"it says {gas} gas")
        return Simulation(gas_used=gas - (3870 if body.unordered else 0))

    async def broadcast(self, tx: bytes) -> Answer:
        self.calls["broadcast"] += 1
        await asyncio.sleep(0.01)
        body, auth, raw = decoded(tx)
        try:
            self._trouble("broadcast")
            if build.tx_hash(tx) in self.mempool:
                return Answer(19, "sdk", "tx already in mempool")
            self._ante(body, auth, fee=True)
            document = build.sign_doc(raw.body_bytes, raw.auth_info_bytes, self.id, self.number)
            self._verify(auth, raw.signatures[0], document)
        except No as no:
            return Answer(no.code, no.codespace, no.text)
        if body.unordered:
            self.nonces.add(nanoseconds(body))
        else:
            self.sequence += 1
        self.mempool[build.tx_hash(tx)] = tx
        self.batches.append(len(body.messages))
        self.taken.append(tx)
        self._trouble("after broadcast")
        return Answer(0, "", "")

    async def find(self, tx_hash: str) -> Found | None:
        self.calls["find"] += 1
        self._trouble("find")
        return self.included.get(tx_hash)

    # -- what the test does

    def mine(self, seconds: float = 6.0) -> Block:
        self.height += 1
        self.time_ns += int(seconds * SECOND)
        results = []
        for tx_hash, tx in self.mempool.items():
            body, auth, _ = decoded(tx)
            try:
                if nanoseconds(body) < self.time_ns:
                    raise No("sdk", 42, "block time: …: tx timeout")
                self._trouble("mine")
                used = self._run(body, self.height, for_real=True)
                if used > auth.fee.gas_limit:
                    raise No("sdk", 11, f"out of gas in location: x; gasWanted: {auth.fee.gas_limit}: out of gas")
                results.append(TxResult(tx_hash, 0, "", "", used, ()))
            except No as no:
                results.append(TxResult(tx_hash, no.code, no.codespace, no.text, 1, ()))
        self.mempool.clear()
        for r in results:
            self.included[r.hash] = Found(self.height, r.code, r.codespace, r.log, r.gas_used)
        self.blocks.append(Block(self.height, self.time_ns, tuple(results), ()))
        return self.blocks[-1]

    def lose(self, tx_hash: str) -> None:
        """The mempool forgets it, and the checks' state with it."""
        body, _, _ = decoded(self.mempool.pop(tx_hash))
        self.nonces.discard(nanoseconds(body))
        self.sequence -= not body.unordered

    # -- rules

    def _trouble(self, where: str) -> None:
        if self.troubles.get(where):
            raise self.troubles[where].pop(0)

    def _ante(self, body: Any, auth: Any, *, fee: bool) -> None:
        timeout = nanoseconds(body)
        if timeout <= self.time_ns:
            raise No("sdk", 42, "block time: x, timeout timestamp: y: tx timeout")
        if body.unordered:
            if not self.unordered_enabled:
                raise No("sdk", 37, "unordered transactions are not enabled: feature not supported")
            if timeout > self.time_ns + 600 * SECOND:
                raise No("sdk", 18, "unordered tx ttl exceeds 10m0s: invalid request")
            if auth.signer_infos[0].sequence:
                raise No("sdk", 18, "sequence is not allowed for unordered transactions: invalid request")
            if fee and timeout in self.nonces:
                raise No(
                    "sdk", 18, f"failed to add unordered nonce: x has already used timeout {timeout}: invalid request"
                )
        elif auth.signer_infos[0].sequence != self.sequence:
            got = auth.signer_infos[0].sequence
            raise No(
                "sdk", 32, f"account sequence mismatch, expected {self.sequence}, got {got}: incorrect account sequence"
            )
        wanted = -(-auth.fee.gas_limit * self.price // 10**18)
        if fee and int(auth.fee.amount[0].amount) < wanted:
            raise No("sdk", 13, f"insufficient fees; got: x required: {wanted}uakt: insufficient fee")

    def _verify(self, auth: Any, signature: bytes, document: bytes) -> None:
        public = wire.unpack(auth.signer_infos[0].public_key).key
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256K1(), public)
        r, s = int.from_bytes(signature[:32]), int.from_bytes(signature[32:])
        try:
            key.verify(utils.encode_dss_signature(r, s), document, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            raise No(
                "sdk", 4, f"signature verification failed; please verify account number ({self.number}) and chain-id"
            ) from None

    def _run(self, body: Any, height: int, *, for_real: bool) -> int:
        bids, money, settled, paid = set(self.bids), self.money, dict(self.settled), list(self.paid)
        for index, box in enumerate(body.messages):
            m, at = wire.unpack(box), f"failed to execute message; message index: {index}: "
            match m.DESCRIPTOR.name:
                case "MsgCreateBid":
                    if m.id.dseq in self.closed:
                        raise No("market", 24, f"{at}order closed")
                    if m.id.dseq in bids:
                        raise No("market", 21, f"{at}invalid bid: bid exists from provider")
                    if money < DEPOSIT:
                        raise No("undefined", 1, f"{at}deposit invalid: insufficient balance")
                    money -= DEPOSIT
                    bids.add(m.id.dseq)
                case "MsgWithdrawLease":
                    if settled.get(m.id.dseq) == height:
                        aid = f'scope:deployment xid:"{m.id.owner}/{m.id.dseq}"'
                        xid = f'aid:<{aid} > xid:"{m.id.gseq}/1/{m.id.provider}"'
                        raise No("undefined", 111222, f"recovered: couldn't find payment {xid} \nstack:")
                    settled[m.id.dseq] = height
                    paid.append((height, m.id.dseq))
                case "MsgCloseBid" if not 10000 <= m.reason < 20000:
                    raise No("market", 33, f'value "{m.reason}" range 10000..19999: invalid lease closed reason')
        if for_real:
            self.bid_at.update(dict.fromkeys(bids - self.bids, height))
            self.bids, self.money, self.settled, self.paid = bids, money, settled, paid
        ends = [self.gas_of_end.get(wire.unpack(box).id.dseq, 0) for box in body.messages]
        return self.gas_per_message * len(body.messages) + sum(ends)


def decoded(tx: bytes) -> tuple[Any, Any, Any]:
    raw = wire.message("cosmos.tx.v1beta1.TxRaw").FromString(tx)
    body = wire.message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes)
    return body, wire.message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes), raw


def nanoseconds(body: Any) -> int:
    return int(body.timeout_timestamp.seconds * SECOND + body.timeout_timestamp.nanos)


def bid(dseq: int) -> ask.CreateBid:
    return ask.CreateBid(LeaseID("akash1t", dseq, 1, 1, KEY.address), DecCoin("uact", 10**18), Coin("uakt", DEPOSIT))


def withdraw(dseq: int, gseq: int = 1) -> ask.WithdrawLease:
    return ask.WithdrawLease(LeaseID("akash1t", dseq, gseq, 1, KEY.address))


async def all_of(*work: Awaitable[str]) -> list[Any]:
    return await asyncio.gather(*work, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(200):
        while not true():  # noqa: ASYNC110 - the fake has nothing to wait on, and time is the loop's
            await asyncio.sleep(0.1)
