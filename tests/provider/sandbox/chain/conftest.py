"""A small chain with a tenant, providers and an auditor, whose transactions are built and signed here, field by
field.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from manifests.bech32 import encode
from provider.chain.wire import message, pack
from provider.sandbox.chain.app import App, BlockAnswer, TxAnswer
from provider.sandbox.chain.genesis import BME, BmeParams, Genesis, OracleParams

N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
SECOND = 10**9
E18 = 10**18


class Key:
    def __init__(self, number: int) -> None:
        self.private = ec.derive_private_key(number, ec.SECP256K1())
        self.public = self.private.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
        digest = hashlib.new("ripemd160", hashlib.sha256(self.public).digest()).digest()
        self.address = encode("akash", digest)

    def sign(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + min(s, N - s).to_bytes(32, "big")


@dataclass
class Chain:
    """`send` signs, puts it in a block and answers; `block` commits several at once."""

    app: App
    keys: dict[str, Key]
    numbers: dict[str, int] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.keys[name].address

    def ask(self, method: str, **fields: Any) -> Any:
        service, _, rpc = method.rpartition("/")
        request = message(f"{service.rpartition('.')[0]}.Query{rpc}Request")(**fields)
        return self.app.query(f"/{method}", request)

    def sequence(self, name: str) -> int:
        return int(self.ask("cosmos.auth.v1beta1.Query/AccountInfo", address=self[name]).info.sequence)

    def balance(self, name: str, denom: str = "uakt") -> int:
        found = self.ask("cosmos.bank.v1beta1.Query/Balance", address=self[name], denom=denom)
        return int(found.balance.amount)

    def tx(self, signer: str, *msgs: Any, **options: Any) -> bytes:
        """Options: sequence, gas, fee (uakt), memo, unordered_ns, timeout_height, chain_id, number, signature,
        granter.
        """
        key = self.keys[signer]
        body = message("cosmos.tx.v1beta1.TxBody")(
            messages=[pack(m) for m in msgs],
            memo=options.get("memo", ""),
            timeout_height=options.get("timeout_height", 0),
        )
        auth = message("cosmos.tx.v1beta1.AuthInfo")()
        info = auth.signer_infos.add(public_key=pack(message("cosmos.crypto.secp256k1.PubKey")(key=key.public)))
        info.mode_info.single.mode = 1
        if "unordered_ns" in options:
            body.unordered = True
            body.timeout_timestamp.FromNanoseconds(options["unordered_ns"])
        else:
            info.sequence = options.get("sequence", self.sequence(signer))
        gas = options.get("gas", 2_000_000)
        auth.fee.gas_limit, auth.fee.granter = gas, options.get("granter", "")
        fee = options.get("fee", -(-gas // 40))
        if fee:
            auth.fee.amount.add(denom="uakt", amount=str(fee))
        number = options.get("number", self.numbers[signer])
        raw = message("cosmos.tx.v1beta1.TxRaw")(
            body_bytes=body.SerializeToString(), auth_info_bytes=auth.SerializeToString()
        )
        doc = message("cosmos.tx.v1beta1.SignDoc")(
            body_bytes=raw.body_bytes,
            auth_info_bytes=raw.auth_info_bytes,
            chain_id=options.get("chain_id", self.app.chain_id),
            account_number=number,
        )
        raw.signatures.append(options.get("signature", key.sign(doc.SerializeToString())))
        return bytes(raw.SerializeToString())

    def block(self, *txs: bytes, after_s: float = 1) -> BlockAnswer:
        return self.app.deliver_block(self.app.time_unix_ns + int(after_s * SECOND), list(txs))

    def send(self, signer: str, *msgs: Any, **options: Any) -> TxAnswer:
        return self.block(self.tx(signer, *msgs, **options)).results[0]

    def must(self, signer: str, *msgs: Any, **options: Any) -> TxAnswer:
        answer = self.send(signer, *msgs, **options)
        assert answer.code == 0, answer.log
        return answer

    # Messages

    def order_id(self, dseq: int = 1, gseq: int = 1, oseq: int = 1) -> dict[str, Any]:
        return {"owner": self["tenant"], "dseq": dseq, "gseq": gseq, "oseq": oseq}

    def bid_id(self, provider: str = "p1", **where: int) -> dict[str, Any]:
        return {**self.order_id(**where), "provider": self[provider]}

    def provider(self, name: str, **attributes: str) -> Any:
        pairs = [{"key": k.replace("__", "/"), "value": v} for k, v in attributes.items()]
        return message("akash.provider.v1beta4.MsgCreateProvider")(
            owner=self[name], host_uri=f"https://{name}.example.com:8443", attributes=pairs
        )

    def deployment(self, dseq: int = 1, groups: list[Any] | None = None, deposit: int = 5_000_000, **more: Any) -> Any:
        return message("akash.deployment.v1beta4.MsgCreateDeployment")(
            id={"owner": self["tenant"], "dseq": dseq},
            groups=[group()] if groups is None else groups,
            hash=b"h" * 32,
            deposit={"amount": {"denom": "uact", "amount": str(deposit)}, "sources": [1]},
            **more,
        )

    def bid(self, provider: str = "p1", price: int = 5 * E18, deposit: int = 500_000, **more: Any) -> Any:
        where = {k: more.pop(k) for k in ("dseq", "gseq", "oseq") if k in more}
        return message("akash.market.v1beta5.MsgCreateBid")(
            id=self.bid_id(provider, **where),
            price={"denom": "uact", "amount": str(price)},
            deposit={"amount": {"denom": "uakt", "amount": str(deposit)}, "sources": [1]},
            **more,
        )

    def lease(self, provider: str = "p1", **where: int) -> Any:
        return message("akash.market.v1beta5.MsgCreateLease")(bid_id=self.bid_id(provider, **where))

    def on_lease(self, what: str, provider: str = "p1", reason: int | None = None, **where: int) -> Any:
        more = {} if reason is None else {"reason": reason}
        return message(f"akash.market.v1beta5.Msg{what}")(id=self.bid_id(provider, **where), **more)

    def on_group(self, what: str, dseq: int = 1, gseq: int = 1) -> Any:
        i = {"owner": self["tenant"], "dseq": dseq, "gseq": gseq}
        return message(f"akash.deployment.v1beta4.Msg{what}Group")(id=i)

    def close_deployment(self, dseq: int = 1) -> Any:
        return message("akash.deployment.v1beta4.MsgCloseDeployment")(id={"owner": self["tenant"], "dseq": dseq})

    def top_up(self, signer: str = "tenant", amount: int = 1_000_000, denom: str = "uact", dseq: int = 1) -> Any:
        return message("akash.escrow.v1.MsgAccountDeposit")(
            signer=self[signer],
            id={"scope": 1, "xid": f"{self['tenant']}/{dseq}"},
            deposit={"amount": {"denom": denom, "amount": str(amount)}, "sources": [1]},
        )

    def grant(self, granter: str, grantee: str, authorization: Any, until_ns: int | None = None) -> Any:
        msg = message("cosmos.authz.v1beta1.MsgGrant")(
            granter=self[granter], grantee=self[grantee], grant={"authorization": pack(authorization)}
        )
        if until_ns is not None:
            msg.grant.expiration.FromNanoseconds(until_ns)
        return msg

    def execute(self, grantee: str, *msgs: Any) -> Any:
        return message("cosmos.authz.v1beta1.MsgExec")(grantee=self[grantee], msgs=[pack(m) for m in msgs])

    def price(self, usd: str, feeder: str = "feeder", age_s: float = 0) -> Any:
        """An entry that is as old as it says when the next block comes a second from now."""
        msg = message("akash.oracle.v2.MsgAddPriceEntry")(
            signer=self[feeder], id={"denom": "akt", "base_denom": "usd"}, price=str(int(Decimal(usd) * E18))
        )
        msg.timestamp.FromNanoseconds(self.app.time_unix_ns + SECOND - int(age_s * SECOND))
        return msg

    def burn(self, who: str, amount: int, denom: str = "uact") -> Any:
        """uact for uakt; with denom uakt the other way round."""
        kind = {"uact": "MsgBurnACT", "uakt": "MsgMintACT"}[denom]
        coin = {"denom": denom, "amount": str(amount)}
        return message(f"akash.bme.v1.{kind}")(owner=self[who], to=self[who], coins_to_burn=coin)

    # State

    def account(self, dseq: int = 1) -> Any:
        found = self.ask("akash.deployment.v1beta4.Query/Deployment", id={"owner": self["tenant"], "dseq": dseq})
        return found.escrow_account.state

    def payment(self, provider: str = "p1", **where: int) -> Any:
        found = self.ask("akash.market.v1beta5.Query/Lease", id=self.bid_id(provider, **where))
        return found.escrow_payment.state


def group(name: str = "g", **more: Any) -> Any:
    """One unit: 0.1 cpu, 16 MiB, one volume; ceiling 10,000,000 uact per block and replica unless told otherwise."""
    unit = {
        "resource": {
            "id": 1,
            "cpu": {"units": {"val": b"100"}},
            "memory": {"quantity": {"val": b"16777216"}},
            "storage": more.pop("storage", [{"name": "default", "quantity": {"val": b"5242880"}}]),
            "gpu": more.pop("gpu", {"units": {"val": b"0"}}),
        },
        "count": more.pop("count", 1),
        "price": {"denom": "uact", "amount": str(more.pop("price", 10_000_000 * E18))},
    }
    return message("akash.deployment.v1beta4.GroupSpec")(name=name, resources=[unit], **more)


def started(**params: Any) -> Chain:
    """Two registered providers (p1, p2), a tenant and others; every account owns 10^12 of both coins."""
    names = ("tenant", "p1", "p2", "p3", "auditor", "hot", "feeder", "feeder2")
    keys = {name: Key(number) for number, name in enumerate(names, 1)}
    rich = {"uakt": 10**12, "uact": 10**12}
    sources = params.pop("sources", ())
    oracle = OracleParams(sources=tuple(keys[name].address for name in sources), **params.pop("oracle", {}))
    genesis = Genesis.default(
        {k.address: rich for k in keys.values()} | params.pop("owners", {}),
        min_reclamation_window_ns=10 * SECOND,
        oracle=oracle,
        **params,
    )
    made = Chain(App(genesis), keys, {name: number for number, name in enumerate(names)})
    for name in ("p1", "p2"):
        made.must(name, made.provider(name, region="us-west"))
    return made


@pytest.fixture
def starting() -> Callable[..., Chain]:
    """A chain with other parameters; `sources` are names of accounts that may name prices."""
    return started


@pytest.fixture
def chain() -> Chain:
    return started()


@pytest.fixture
def priced() -> Chain:
    """As `chain`, with a source of prices and a vault: AKT costs 2 USD and minting is allowed; epochs have 5 blocks."""
    made = started(
        sources=("feeder",),
        oracle={"staleness_ns": 60 * SECOND, "twap_window_ns": 30 * SECOND},
        bme=BmeParams(min_epoch_blocks=5),
        owners={BME: {"uakt": 10**14}},
    )
    made.must("feeder", made.price("2"))
    for _ in range(2):
        made.block()
    return made
