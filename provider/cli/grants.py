"""`akp chain grants`: what a cold owner lets its hot key do, and what it has to sign for that."""

from __future__ import annotations

import json
import time
from typing import Annotated, Any

import typer

from bidengine.owners import shown_time
from manifests.coins import Coin, parse_coins, parse_decimal
from provider.chain import delegation
from provider.chain.delegation import Delegation
from provider.chain.tx import json_form
from provider.chain.tx.gas import FEE_DENOM
from provider.cli import signing
from provider.cli.signing import Config, Output, Session
from provider.errors import ConfigError

app = typer.Typer(no_args_is_help=True, help="What a hot key may do for a cold owner.")


@app.command("show")
def show(config: Config = None, output: Output = "table") -> None:
    """Show what the owner has granted to the hot key, until when and up to what. Exit code 1 if something is wrong."""

    async def work(session: Session) -> None:
        who = await session.who()
        found = await delegation.read(session.chain.latest, who.owner, who.key.address, who.fee_granter)
        wrong = list(delegation.problems(found, int(time.time())))
        if output == "json":
            print(json.dumps({**_grants_json(found), "problems": wrong}, indent=2))
        else:
            print("\n".join([*_grant_lines(found), *(f"problem: {w}" for w in wrong)]))
        if wrong:
            raise SystemExit(1)

    signing.run(config, work)


@app.command()
def commands(
    days: Annotated[int, typer.Option("--days", min=1, max=3650, help="How long the grants hold.")] = 365,
    fee_limit: Annotated[
        str,
        typer.Option("--fee-limit", help="Most fees the owner pays, e.g. 5000000uakt; where it is the fee granter."),
    ] = "",
    optional: Annotated[
        bool, typer.Option("--optional", help="Also let the hot key change the record and revoke certificates.")
    ] = False,
    config: Config = None,
) -> None:
    """Print the transaction by which the cold owner lets the hot key work; how to sign it goes to the terminal."""

    async def work(session: Session) -> None:
        who = await session.who()
        if not who.delegated:
            cure = "Set it to the provider's account; the key is then the hot one."
            raise ConfigError("key.owner", "the provider's own key signs, no grant is needed", cure)
        limit = _limit(fee_limit)
        exists = bool(who.fee_granter) and (
            await session.chain.latest.allowance(who.fee_granter, who.key.address) is not None
        )
        until = int(time.time()) + days * 86_400
        msgs = delegation.wanted(
            who.owner, who.key.address, expires_unix_s=until, fee_granter=who.fee_granter, fee_limit=limit,
            optional=optional, allowance_exists=exists,
        )  # fmt: skip
        price = parse_decimal(session.settings.chain.gas_price_uakt)
        print(json.dumps(json_form.unsigned(msgs, gas_price_e18=price), indent=2))
        chain_id = session.settings.chain.id
        typer.echo(
            "Where the owner's key is, with this in grants.json:\n"
            f"  akash tx sign grants.json --from {who.owner} --chain-id {chain_id} > signed.json\n"
            "  akash tx broadcast signed.json\n"
            "Then: akp chain grants show",
            err=True,
        )

    signing.run(config, work)


def _grant_lines(found: Delegation) -> list[str]:
    lines = [f"{'owner':<8} {found.owner}", f"{'hot key':<8} {found.hot}  {found.hot_uakt}uakt"]
    lines += [f"{'grant':<8} {g.type_url} {_until(g.expires_unix_s)}{_up_to(g.limits)}" for g in found.grants]
    if (a := found.allowance) is not None:
        only = "" if a.type_urls is None else f" for {', '.join(a.type_urls)}"
        lines.append(f"{'fees':<8} {a.granter} {_until(a.expires_unix_s)}{_up_to(a.left) or ', without limit'}{only}")
    return lines


def _grants_json(found: Delegation) -> dict[str, Any]:
    a = found.allowance
    return {
        "owner": found.owner,
        "hot_key": found.hot,
        "hot_uakt": found.hot_uakt,
        "grants": [
            {"msg": g.type_url, "kind": g.kind, "until": _time(g.expires_unix_s), "left": _list(g.limits)}
            for g in found.grants
        ],
        "fee_grant": a
        and {"granter": a.granter, "until": _time(a.expires_unix_s), "left": _list(a.left), "msgs": a.type_urls},
    }


def _limit(text: str) -> Coin | None:
    if not text:
        return None
    cure = f"Write it like 5000000{FEE_DENOM}."
    try:
        (coin,) = parse_coins(text)
    except ValueError:
        raise ConfigError("--fee-limit", f"{text!r} is not an amount", cure) from None
    if coin.denom != FEE_DENOM:
        raise ConfigError("--fee-limit", f"fees are paid in {FEE_DENOM}, not in {coin.denom}", cure)
    return coin


def _until(unix_s: int | None) -> str:
    return f"until {_time(unix_s)}" if unix_s is not None else "without end"


def _time(unix_s: int | None) -> str | None:
    return None if unix_s is None else shown_time(unix_s)


def _up_to(left: tuple[Coin, ...] | None) -> str:
    return "" if left is None else f", {', '.join(map(str, left)) or 'nothing'} left"


def _list(left: tuple[Coin, ...] | None) -> list[str] | None:
    return None if left is None else [str(c) for c in left]
