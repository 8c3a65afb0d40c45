"""What every tx must pass before its messages run: timeouts, memo, size, fee, keys, sequence or nonce, signatures, in
this order.

The order is that of chain-probes 19a. CheckTx alone compares the fee with the node's minimum gas price; a simulation
verifies no signature and does not see used nonces (chain-probes 23, 26).
"""

from __future__ import annotations

import base64
import datetime
from enum import Enum
from typing import Any

from . import accounts, bank, feegrant, gas, signatures
from .coins import coins_text, well_formed
from .context import Context
from .dec import E18
from .errors import ChainError, registered
from .genesis import FEE_COLLECTOR
from .ids import address_bytes, raw_text
from .tx import Tx, check_envelope

_NONCES = "nonce"


class Mode(Enum):
    CHECK = "check"
    DELIVER = "deliver"
    SIMULATE = "simulate"


def ante(ctx: Context, tx: Tx, mode: Mode) -> None:
    check_envelope(tx)
    _timeouts(ctx, tx)
    ctx.gas.use(gas.READ_PARAMS, "ReadFlat")
    if len(tx.body.memo) > ctx.genesis.params.max_memo:
        limit = ctx.genesis.params.max_memo
        raise registered(
            "sdk", 12, f"maximum number of characters is {limit} but received {len(tx.body.memo)} characters"
        )
    ctx.gas.use(gas.PER_BYTE * tx.size, "txSize")
    _fee(ctx, tx, mode)
    _keys(ctx, tx, mode)
    if len(tx.signers) > ctx.genesis.params.max_signatures:
        raise registered("sdk", 14, f"signatures: {len(tx.signers)}, limit: {ctx.genesis.params.max_signatures}")
    for _ in tx.signers:
        ctx.gas.use(gas.SIGNATURE, "ante verify: secp256k1")
    _authenticate(ctx, tx, mode)


def forget_expired(ctx: Context) -> None:
    """Nonces whose timeout has passed protect nothing any more."""
    for key, _ in list(ctx.store.scan(_NONCES)):
        if key[0] >= ctx.time_unix_ns:
            return
        ctx.store.put(_NONCES, key, None)


def _timeouts(ctx: Context, tx: Tx) -> None:
    height = tx.body.timeout_height
    if height and ctx.height > height:
        raise registered("sdk", 30, f"block height: {ctx.height}, timeout height: {height}")
    if tx.timeout_ns and tx.timeout_ns < ctx.time_unix_ns:
        now, then = _go_time(ctx.time_unix_ns), _go_time(tx.timeout_ns)
        raise registered("sdk", 42, f"block time: {now}, timeout timestamp: {then}")


def _fee(ctx: Context, tx: Tx, mode: Mode) -> None:
    if mode is Mode.CHECK:
        needed = -(-tx.gas_limit * ctx.genesis.params.min_gas_price_e18 // E18)
        if needed and not any(denom == "uakt" and amount >= needed for denom, amount in tx.fee):
            got = coins_text(tx.fee)
            raise registered("sdk", 13, f"insufficient fees; got: {got} required: {needed}uakt")
    payer, granter = tx.payer, tx.auth.fee.granter
    if granter and granter != payer:
        try:
            feegrant.use(ctx, granter, payer, tx.fee, [f"/{msg.DESCRIPTOR.full_name}" for _, msg in tx.messages])
        except ChainError as no:
            raise no.wrap(f"{_raw(granter)} does not allow to pay fees for {_raw(payer)}") from None
        payer = granter
    if accounts.account(ctx.store, payer) is None:
        raise registered("sdk", 9, f"fee payer address: {_raw(payer)} does not exist")
    ctx.gas.use(gas.FEES, "WriteFlat")
    if tx.fee:
        if not well_formed(tx.fee):
            raise registered("sdk", 13, f"invalid fee amount: {coins_text(tx.fee)}")
        try:
            bank.move(ctx.store, ctx.log, payer, FEE_COLLECTOR, tx.fee)
        except ChainError as short:
            raise ChainError(short.codespace, short.code, f"{short.text}: insufficient funds") from None
    ctx.log.plain("tx", ("fee", coins_text(tx.fee)), ("fee_payer", payer))


def _keys(ctx: Context, tx: Tx, mode: Mode) -> None:
    """Each signer's public key belongs to its address; an account that never signed learns its key here."""
    infos = tx.auth.signer_infos
    if len(infos) < len(tx.signers):
        raise registered("sdk", 4, f"invalid number of signer; expected: {len(tx.signers)}, got {len(infos)}")
    for index, signer in enumerate(tx.signers):
        account = accounts.account(ctx.store, signer)
        if account is None:
            raise registered("sdk", 9, f"account {signer} does not exist")
        if infos[index].HasField("public_key"):
            key = signatures.public_key(infos[index].public_key)
            if mode is not Mode.SIMULATE and signatures.address_of(key) != signer:
                raise registered("sdk", 8, f"pubKey does not match signer address {signer} with signer index: {index}")
            if not account.HasField("pub_key"):
                account.pub_key.CopyFrom(infos[index].public_key)
                accounts.save(ctx.store, account)
    for index, signer in enumerate(tx.signers):
        if not tx.body.unordered:
            ctx.log.plain("tx", ("acc_seq", f"{signer}/{infos[index].sequence}"))
        ctx.log.plain("tx", ("signature", base64.b64encode(tx.signatures[index]).decode()))


def _authenticate(ctx: Context, tx: Tx, mode: Mode) -> None:
    if tx.body.unordered:
        _nonces(ctx, tx, mode)
    for index, signer in enumerate(tx.signers):
        account = accounts.account(ctx.store, signer)
        told = tx.auth.signer_infos[index].sequence
        if tx.body.unordered:
            if told:
                raise registered("sdk", 18, "sequence is not allowed for unordered transactions")
        elif told != account.sequence:
            raise registered("sdk", 32, f"account sequence mismatch, expected {account.sequence}, got {told}")
        if mode is not Mode.SIMULATE:
            signatures.verify(tx, index, account, ctx.genesis.chain_id)
    if not tx.body.unordered:
        for signer in tx.signers:
            ctx.gas.use(gas.SEQUENCE, "WriteFlat")
            _next_sequence(ctx, signer)


def _next_sequence(ctx: Context, signer: str) -> None:
    account: Any = accounts.account(ctx.store, signer)
    account.sequence += 1
    accounts.save(ctx.store, account)


def _nonces(ctx: Context, tx: Tx, mode: Mode) -> None:
    ttl = ctx.genesis.params.unordered_ttl_ns
    if not tx.timeout_ns:
        raise registered("sdk", 18, "unordered transaction must have timeout_timestamp set")
    if tx.timeout_ns > ctx.time_unix_ns + ttl:
        raise registered("sdk", 18, f"unordered tx ttl exceeds {ttl // (60 * 10**9)}m0s")
    if mode is Mode.SIMULATE:
        return
    for signer in tx.signers:
        key = (tx.timeout_ns, signer)
        if ctx.store.get(_NONCES, key):
            used = f"sender {signer} has already used timeout {tx.timeout_ns}"
            raise registered("sdk", 18, f"failed to add unordered nonce: {used}")
        ctx.store.put(_NONCES, key, True)


def _raw(address: str) -> str:
    """Some logs print an address as its bytes."""
    return raw_text(address_bytes(address))


def _go_time(ns: int) -> str:
    """As Go prints a UTC time: trailing zeros of the fraction are cut."""
    seconds, nanos = divmod(ns, 10**9)
    stamp = datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M:%S")
    fraction = f".{nanos:09d}".rstrip("0") if nanos else ""
    return f"{stamp}{fraction} +0000 UTC"
