"""A transaction taken apart: what can be read, who must sign it, and which of two faults is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provider.chain.wire import message, pack
from provider.sandbox.chain.context import Registry
from provider.sandbox.chain.errors import ChainError, registered
from provider.sandbox.chain.tx import Tx, amount_or_panic, check_envelope, check_messages, decode

SEND = "cosmos.bank.v1beta1.MsgSend"
MAX_GAS = 2**63 - 1


@pytest.fixture
def registry() -> Registry:
    """One message, signed by its sender; its own check refuses recipients in capitals."""

    def check(msg: Any) -> None:
        if msg.to_address.isupper():
            raise registered("sdk", 18, f"not so loud, {msg.to_address}")

    made = Registry()
    made.message(SEND, lambda msg: str(msg.from_address), lambda ctx, msg: None, check)
    return made


@pytest.fixture
def read(registry: Registry, chain: Any) -> Callable[..., Tx]:
    """`read(body, auth, signatures=…)`: what a node makes of a transaction of the tenant to p1, changed as told."""

    def read(
        body: Callable[[Any], None] = lambda _: None,
        auth: Callable[[Any], None] = lambda _: None,
        signatures: int = 1,
    ) -> Tx:
        raw, made_body, made_auth = raw_parts(chain)
        body(made_body)
        auth(made_auth)
        raw.body_bytes, raw.auth_info_bytes = made_body.SerializeToString(), made_auth.SerializeToString()
        raw.signatures[:] = [b"s" * 64] * signatures
        return decode(registry, raw.SerializeToString())

    return read


def raw_parts(chain: Any) -> tuple[Any, Any, Any]:
    raw = message("cosmos.tx.v1beta1.TxRaw").FromString(chain.tx("tenant", send(chain["tenant"], chain["p1"])))
    body = message("cosmos.tx.v1beta1.TxBody").FromString(raw.body_bytes)
    return raw, body, message("cosmos.tx.v1beta1.AuthInfo").FromString(raw.auth_info_bytes)


def send(sender: str, to: str) -> Any:
    return message(SEND)(from_address=sender, to_address=to, amount=[{"denom": "uakt", "amount": "1"}])


def refusal(check: Callable[[], Any]) -> tuple[str, int, str]:
    with pytest.raises(ChainError) as no:
        check()
    return no.value.codespace, no.value.code, no.value.text


def test_the_parts_of_a_transaction(chain: Any, registry: Registry) -> None:
    until = 1_767_225_999_123_456_789
    data = chain.tx("tenant", send(chain["tenant"], chain["p1"]), gas=70_000, fee=1_750, unordered_ns=until)
    tx = decode(registry, data)
    raw = message("cosmos.tx.v1beta1.TxRaw").FromString(data)
    assert (tx.size, tx.body_bytes, tx.auth_bytes) == (len(data), raw.body_bytes, raw.auth_info_bytes)
    assert (tx.gas_limit, tx.fee, tx.timeout_ns) == (70_000, (("uakt", 1_750),), until)
    assert (tx.signers, tx.payer, tx.signatures) == ((chain["tenant"],), chain["tenant"], tuple(raw.signatures))
    ((kind, msg),) = tx.messages
    assert (kind.module, msg.to_address) == ("bank", chain["p1"])


def test_without_a_timeout_there_is_none(read: Any) -> None:
    assert read().timeout_ns == 0


def test_everybody_signs_once_in_the_order_of_the_messages_and_a_payer_last(chain: Any, read: Any) -> None:
    names = ("p2", "tenant", "p2", "p1")

    four = sending(*((chain[name], chain["p3"]) for name in names))
    assert read(four).signers == (chain["p2"], chain["tenant"], chain["p1"])
    assert read(four).payer == chain["p2"], "the first signer pays"
    sponsored = read(four, lambda auth: setattr(auth.fee, "payer", chain["auditor"]))
    assert sponsored.signers == (chain["p2"], chain["tenant"], chain["p1"], chain["auditor"])
    assert sponsored.payer == chain["auditor"]
    assert read(four, lambda auth: setattr(auth.fee, "payer", chain["p1"])).signers[-1] == chain["p1"]


UNKNOWN = b"\x9a\x06\x01x"
"""field 99, three bytes of length-delimited nonsense"""
NON_CRITICAL = b"\xba\x40\x01x"
"""field 1031: bit 11 of its number is set (chain-probes 24)"""

UNREADABLE: dict[str, tuple[Callable[[Any, Any, Any], None], str]] = {
    "a stranger in the envelope": (lambda raw, b, a: raw.MergeFromString(UNKNOWN), 'errUnknownField "*tx.TxRaw"'),
    "... in the body": (lambda raw, body, a: body.MergeFromString(UNKNOWN), 'errUnknownField "*tx.TxBody"'),
    "... in the fee": (lambda raw, b, auth: auth.fee.MergeFromString(UNKNOWN), 'errUnknownField "*tx.Fee"'),
    "... not even a non-critical one": (
        lambda raw, b, auth: auth.MergeFromString(NON_CRITICAL),
        'errUnknownField "*tx.AuthInfo"',
    ),
    "... in a message": (
        lambda raw, body, a: setattr(body.messages[0], "value", body.messages[0].value + NON_CRITICAL),
        'errUnknownField "*types.MsgSend"',
    ),
    "a body that breaks off": (lambda raw, b, a: setattr(raw, "body_bytes", b"\x0a\x7f"), "invalid length"),
    "an unknown message": (
        lambda raw, body, a: setattr(body.messages[0], "type_url", "/akash.market.v1beta4.MsgCreateBid"),
        "unable to resolve type URL /akash.market.v1beta4.MsgCreateBid",
    ),
    "a type with a host": (
        lambda raw, body, a: setattr(body.messages[0], "type_url", f"type.googleapis.com/{SEND}"),
        f"unable to resolve type URL type.googleapis.com/{SEND}",
    ),
    "a fee that is no number": (
        lambda raw, b, auth: setattr(auth.fee.amount[0], "amount", "1e3"),
        'math/big: cannot unmarshal "1e3" into a *big.Int',
    ),
}


@pytest.mark.parametrize(("change", "text"), UNREADABLE.values(), ids=UNREADABLE)
def test_what_a_node_cannot_read(chain: Any, registry: Registry, change: Any, text: str) -> None:
    raw, body, auth = raw_parts(chain)
    raw.body_bytes = raw.auth_info_bytes = b""
    change(raw, body, auth)
    raw.body_bytes = raw.body_bytes or body.SerializeToString()
    raw.auth_info_bytes = auth.SerializeToString()
    codespace, code, told = refusal(lambda: decode(registry, raw.SerializeToString()))
    assert (codespace, code) == ("sdk", 2)
    assert told.startswith(text)
    assert told.endswith(": tx parse error: tx parse error")


def test_a_non_critical_stranger_may_stand_in_the_body(read: Any) -> None:
    assert len(read(lambda body: body.MergeFromString(NON_CRITICAL)).messages) == 1


def test_the_first_message_at_fault_is_told(chain: Any, read: Any) -> None:
    check_messages(read())
    assert refusal(lambda: check_messages(read(lambda body: body.ClearField("messages")))) == (
        "sdk",
        18,
        "must contain at least one message: invalid request",
    )
    sends = sending(*((chain["tenant"], to) for to in (chain["p1"], "FIRST", "SECOND")))
    assert refusal(lambda: check_messages(read(sends))) == ("sdk", 18, "not so loud, FIRST: invalid request")


def sending(*pairs: tuple[str, str]) -> Callable[[Any], None]:
    def change(body: Any) -> None:
        del body.messages[:]
        body.messages.extend(pack(send(*pair)) for pair in pairs)

    return change


def sender(address: str) -> Callable[[Any], None]:
    return sending((address, ""))


def extended(body: Any) -> None:
    body.extension_options.add(type_url="/some.Option")


def keep(_: Any) -> None:
    pass


def fee(**values: Any) -> Callable[[Any], None]:
    def change(auth: Any) -> None:
        for name, value in values.items():
            if name == "amount":
                auth.fee.amount[0].amount = value
            else:
                setattr(auth.fee, name, value)

    return change


ENVELOPES: dict[str, tuple[Any, Any, int, int]] = {
    "good": (keep, keep, 1, 0),
    "an option nobody knows": (extended, keep, 1, 31),
    "a sender that is no address": (sender("x"), keep, 1, 7),
    "no sender at all": (sender(""), keep, 1, 7),
    "a sender of another chain": (sender("cosmos1qyqszqgpqyqszqgpqyqszqgpqyqszqgpjnp7du"), keep, 1, 7),
    "a payer that is no address": (keep, fee(payer="x"), 2, 7),
    "a granter that is no address": (keep, fee(granter="x"), 1, 7),
    "as much gas as there can be": (keep, fee(gas_limit=MAX_GAS), 1, 0),
    "more gas than there can be": (keep, fee(gas_limit=MAX_GAS + 1), 1, 18),
    "a negative fee": (keep, fee(amount="-1"), 1, 13),
    "no fee": (keep, fee(amount="0"), 1, 0),
    "nobody signed": (keep, keep, 0, 15),
    "too many signed": (keep, keep, 2, 4),
    "option before address": (lambda body: (extended(body), sender("x")(body)), keep, 1, 31),
    "address before gas": (sender("x"), fee(gas_limit=MAX_GAS + 1), 1, 7),
    "gas before fee": (keep, fee(gas_limit=MAX_GAS + 1, amount="-1"), 1, 18),
    "fee before signatures": (keep, fee(amount="-1"), 0, 13),
}


@pytest.mark.parametrize(("body", "auth", "signatures", "code"), ENVELOPES.values(), ids=ENVELOPES)
def test_the_envelope(read: Any, body: Any, auth: Any, signatures: int, code: int) -> None:
    tx = read(body, auth, signatures=signatures)
    if code == 0:
        check_envelope(tx)
    else:
        assert refusal(lambda: check_envelope(tx))[:2] == ("sdk", code)


def test_a_payer_must_sign_too(chain: Any, read: Any) -> None:
    def sponsored(signatures: int) -> Tx:
        return read(auth=lambda auth: setattr(auth.fee, "payer", chain["p1"]), signatures=signatures)

    text = "wrong number of signers; expected 2, got 1: unauthorized"
    assert refusal(lambda: check_envelope(sponsored(1))) == ("sdk", 4, text)
    check_envelope(sponsored(2))


def test_coins_from_nobody_are_refused_wherever_they_are_sent(chain: Any) -> None:
    tx = chain.tx("tenant", send("", chain["p1"]))
    text = "decoding bech32 failed: empty address string is not allowed: invalid address"
    assert [a.log for a in (chain.app.check_tx(tx), *chain.block(tx).results)] == [text, text]


def test_an_amount_that_is_missing_crashes_the_real_node() -> None:
    assert (amount_or_panic("0"), amount_or_panic("-7")) == (0, -7)
    codespace, code, text = refusal(lambda: amount_or_panic(""))
    assert (codespace, code) == ("undefined", 111222)
    assert text.startswith("recovered: runtime error: invalid memory address or nil pointer dereference")
