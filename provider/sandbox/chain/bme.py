"""Burning ACT for AKT and minting ACT from AKT: a request takes the coins at once and waits; the end of a later block
carries it out or gives the coins back (chain.md §2.9, chain-probes §7, 31–33).

AKT is never burned but kept as "remint credit", which later pays burners of ACT before anything is minted anew. What
is left out of the real module: funding the vault and changing parameters, which only governance may do.
"""

from __future__ import annotations

from typing import Any

from provider.chain.wire import message

from . import bank, breaker, dec, oracle
from .context import Context, Registry, Table
from .errors import ChainError, registered
from .events import EventLog
from .genesis import BME
from .ids import address_bytes, is_address
from .store import Key, Layer

PENDING = Table("bme_pending", "akash.bme.v1.LedgerPendingRecord")
EXECUTED = Table("bme_executed", "akash.bme.v1.LedgerRecord")
CANCELED = Table("bme_canceled", "akash.bme.v1.LedgerCanceledRecord")
"""keys are (denom, to denom, address bytes, height, sequence, address)"""
TOTALS = "bme_total"
"""("burned"|"minted"|"credit", denom) -> amount"""
_EPOCHS = "bme_epoch"
_SEQUENCE = "bme_sequence"
_ROUTES = {("uakt", "uact"), ("uact", "uakt")}
_REASONS = {16: 1, 9: 4, 8: 5, 17: 6}
"""code of an error that trying again cannot mend -> reason of the cancellation"""
_MAX_ATTEMPTS = 9


def register(registry: Registry) -> None:
    name = "akash.bme.v1"
    registry.message(f"{name}.MsgBurnMint", _owner, lambda ctx, m: _request(ctx, m, m.denom_to_mint), _check_generic)
    registry.message(f"{name}.MsgMintACT", _owner, lambda ctx, m: _request(ctx, m, "uact"), _check)
    registry.message(f"{name}.MsgBurnACT", _owner, lambda ctx, m: _request(ctx, m, "uakt"), _check)
    registry.end_block.append(_end_block)


def record_id(key: Key) -> Any:
    denom, to_denom, _, height, sequence, source = key
    made = message("akash.bme.v1.LedgerRecordID")
    return made(denom=denom, to_denom=to_denom, source=source, height=height, sequence=sequence)


def _owner(msg: Any) -> str:
    return str(msg.owner)


def _check(msg: Any) -> None:
    for name in ("owner", "to"):
        if not is_address(getattr(msg, name)):
            raise registered("sdk", 7, f"invalid {name} address: decoding bech32 failed")
    if msg.owner != msg.to:
        raise registered("bme", 3, "owner and to addresses must match")
    amount = int(msg.coins_to_burn.amount or 0)
    if not bank.is_denom(msg.coins_to_burn.denom):
        raise registered("sdk", 10, f"invalid coins: invalid denom: {msg.coins_to_burn.denom}")
    if amount < 0:
        raise registered("sdk", 10, f"invalid coins: negative coin amount: {amount}")
    if amount == 0:
        raise registered("bme", 8, "amount must not be 0")


def _check_generic(msg: Any) -> None:
    _check(msg)
    if not bank.is_denom(msg.denom_to_mint):
        raise registered("bme", 9, f"invalid denom to mint: invalid denom: {msg.denom_to_mint}")


def _request(ctx: Context, msg: Any, to_denom: str) -> Any:
    denom, amount = msg.coins_to_burn.denom, int(msg.coins_to_burn.amount)
    if (denom, to_denom) not in _ROUTES:
        raise registered("bme", 9, f"invalid swap route {denom} -> {to_denom}")
    oracle.price_e18(ctx, denom)
    oracle.price_e18(ctx, to_denom)
    level = breaker.status(ctx, ctx.genesis.params.bme).status
    if level > breaker.HALT_CR or (level == breaker.HALT_CR and denom != "uact"):
        raise registered("bme", 6)
    height, used = ctx.get(_SEQUENCE, ()) or (0, 0)
    sequence = (used if height == ctx.height else 0) + 1
    ctx.write(_SEQUENCE, (), (ctx.height, sequence))
    key = (denom, to_denom, address_bytes(msg.owner), ctx.height, sequence, msg.owner)
    _wait(ctx, denom, amount)
    bank.send(ctx, msg.owner, BME, denom, amount)
    record = message(PENDING.record)(owner=msg.owner, to=msg.to, denom_to_mint=to_denom)
    record.coins_to_burn.CopyFrom(msg.coins_to_burn)
    ctx.put(PENDING, key, record)
    return message(f"{msg.DESCRIPTOR.full_name}Response")(id=record_id(key))


def _wait(ctx: Context, denom: str, amount: int) -> None:
    """So much more (or less) waits in the module's account."""
    waiting = ctx.store.get(breaker.PENDING_BALANCE, (denom,)) or 0
    ctx.store.put(breaker.PENDING_BALANCE, (denom,), waiting + amount)


def _end_block(ctx: Context) -> None:
    """Burns at burn epochs, then the breaker, then mints at mint epochs unless it says halt."""
    params, height = ctx.genesis.params.bme, ctx.height
    if _epoch(ctx, "burn") <= height:
        ctx.store.put(_EPOCHS, ("burn",), height + params.min_epoch_blocks)
        _carry_out(ctx, ("uact", "uakt"))
    now, changed = breaker.update(ctx)
    if now.status > breaker.WARNING:
        return
    if changed and now.previous >= breaker.HALT_CR:
        ctx.store.put(_EPOCHS, ("mint",), height + now.epoch_blocks)
    elif _epoch(ctx, "mint") == height:
        ctx.store.put(_EPOCHS, ("mint",), height + now.epoch_blocks)
        _carry_out(ctx, ("uakt", "uact"))
        breaker.update(ctx)


def _epoch(ctx: Context, name: str) -> int:
    return int(ctx.store.get(_EPOCHS, (name,)) or ctx.genesis.params.bme.min_epoch_blocks)


def _carry_out(ctx: Context, route: tuple[str, str]) -> None:
    for key, record in list(PENDING.scan(ctx.store, route))[: ctx.genesis.params.bme.max_records]:
        inner = ctx.inside(Layer(ctx.store), EventLog(ctx.log.tail))
        try:
            _execute(inner, key, record)
        except ChainError as no:
            _refused(ctx, key, record, no)
            continue
        inner.store.merge(ctx.store)
        ctx.log.events.extend(inner.log.events)


def _refused(ctx: Context, key: Key, record: Any, no: ChainError) -> None:
    """Canceled at once when nothing can change the outcome, otherwise after some attempts."""
    reason = _REASONS.get(no.code) if no.codespace == "bme" else None
    if reason is None:
        record.attempts += 1
        if record.attempts < ctx.genesis.params.bme.max_attempts:
            ctx.put(PENDING, key, record)
            return
        reason = _MAX_ATTEMPTS
    coin = record.coins_to_burn
    made = message(CANCELED.record)(
        owner=record.owner, to=record.to, cancel_reason=reason, coins_to_burn=coin, denom_to_mint=record.denom_to_mint
    )
    ctx.put(CANCELED, key, made)
    ctx.erase(PENDING.name, key)
    _wait(ctx, coin.denom, -int(coin.amount))
    bank.send(ctx, BME, record.owner, coin.denom, int(coin.amount))
    names = made.DESCRIPTOR.fields_by_name["cancel_reason"].enum_type.values_by_number
    ctx.log.typed(
        "akash.bme.v1.EventLedgerRecordCanceled",
        id=record_id(key),
        cancel_reason=f'"{names[reason].name}"',
        owner=f'"{record.owner}"',
        to=f'"{record.to}"',
        coins_to_burn=coin,
        denom_to_mint=f'"{record.denom_to_mint}"',
    )


def _execute(ctx: Context, key: Key, pending: Any) -> None:
    coin = pending.coins_to_burn
    denom, to_denom, amount = coin.denom, pending.denom_to_mint, int(coin.amount)
    price, to_price = oracle.price_e18(ctx, denom), oracle.price_e18(ctx, to_denom)
    made, spread = _worth(ctx, denom, to_denom, amount, dec.quo(price, to_price))
    record = message(EXECUTED.record)(
        burned_from=pending.owner, minted_to=pending.to, burner="bme", minter="bme", spread=_coin(to_denom, spread)
    )
    if denom == "uakt":
        minted = made
        _add(ctx, "credit", denom, amount)
        record.remint_credit_accrued.CopyFrom(_priced(denom, amount, price))
    else:
        credit = min(total(ctx, "credit", to_denom), made)
        minted = made - credit
        bank.burn(ctx, BME, denom, amount)
        _add(ctx, "burned", denom, amount)
        record.burned.CopyFrom(_priced(denom, amount, price))
        if credit:
            _add(ctx, "credit", to_denom, -credit)
            record.remint_credit_issued.CopyFrom(_priced(to_denom, credit, to_price))
    if minted:
        bank.mint(ctx, BME, to_denom, minted)
        _add(ctx, "minted", to_denom, minted)
        record.minted.CopyFrom(_priced(to_denom, minted, to_price))
    bank.send(ctx, BME, pending.to, to_denom, made - spread)
    _wait(ctx, denom, -amount)
    ctx.erase(PENDING.name, key)
    ctx.put(EXECUTED, key, record)
    fields = {name: getattr(record, name) if record.HasField(name) else "null" for name in _PRICED}
    texts = {name: f'"{getattr(record, name)}"' for name in ("burned_from", "minted_to", "burner", "minter")}
    ctx.log.typed("akash.bme.v1.EventLedgerRecordExecuted", id=record_id(key), spread=record.spread, **texts, **fields)


_PRICED = ("burned", "minted", "remint_credit_issued", "remint_credit_accrued")


def _worth(ctx: Context, denom: str, to_denom: str, amount: int, rate: int) -> tuple[int, int]:
    """(what comes out, the part of it that stays in the vault)."""
    params = ctx.genesis.params.bme
    if denom == "uact" and bank.supply(ctx, denom) < amount:
        raise registered("bme", 7)
    exact = dec.mul(dec.of(amount), rate)
    made = dec.truncate(exact)
    if made <= 0:
        raise registered("bme", 16)
    if made < dict(params.min_mint).get(to_denom, 0):
        raise registered("bme", 17)
    bps = params.mint_spread_bps if denom == "uakt" else params.settle_spread_bps
    return made, dec.truncate(dec.quo(dec.mul(exact, dec.of(bps)), dec.of(10_000)))


def total(ctx: Any, kind: str, denom: str) -> int:
    return int(ctx.get(TOTALS, (kind, denom)) or 0)


def _add(ctx: Context, kind: str, denom: str, amount: int) -> None:
    ctx.store.put(TOTALS, (kind, denom), total(ctx, kind, denom) + amount)


def _coin(denom: str, amount: int) -> Any:
    return message("cosmos.base.v1beta1.Coin")(denom=denom, amount=str(amount))


def _priced(denom: str, amount: int, price: int) -> Any:
    return message("akash.bme.v1.CoinPrice")(coin=_coin(denom, amount), price=str(price))
