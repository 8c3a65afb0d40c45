"""What every command that signs has in common: the settings, a chain, whose account it is about; then a look, a
question, and the answer of a block.

`--dry-run` shows what would be signed and signs nothing, `--for-owner` prints the transaction for an account whose key
is not here, without `--yes` a person is asked, and the command ends when a block holds the transaction.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from manifests.coins import parse_decimal
from provider import keyring, log
from provider.chain.client import Chain
from provider.chain.messages import Msg
from provider.chain.tx import json_form, once
from provider.cli.beside import beside
from provider.errors import ConfigError
from provider.keyring import Identity
from provider.settings import Settings, load

Config = Annotated[Path | None, typer.Option("--config", help="The daemon's settings (docs/settings.md).")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print what would be signed; sign nothing.")]
ForOwner = Annotated[
    bool,
    typer.Option("--for-owner", help="Print the transaction for the owner's own key to sign, as the CLI reads it."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Sign without asking.")]
Output = Annotated[Literal["table", "json"], typer.Option("--output", "-o")]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class How:
    dry_run: bool = False
    for_owner: bool = False
    yes: bool = False
    output: Literal["table", "json"] = "table"


class Session:
    """A chain and the settings; the key is only touched by what needs it."""

    def __init__(self, settings: Settings, chain: Chain) -> None:
        self.settings, self.chain = settings, chain
        self._who: Identity | None = None

    async def who(self) -> Identity:
        if self._who is None:
            self._who = await keyring.unlock(self.settings)
        return self._who

    async def owner(self) -> str:
        """The provider's account; no key is needed where the settings name it."""
        return await keyring.owner(self.settings)


def run(config: Path | None, work: Callable[[Session], Awaitable[T]]) -> T:
    """`work` in a session of its own."""
    settings = load(config)
    log.configure(settings.log, level="error")

    async def whole() -> T:
        async with opened(settings) as session:
            return await work(session)

    return asyncio.run(whole())


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Session]:
    async with Chain.connect(settings.chain) as chain:
        yield Session(settings, chain)


async def carry_out(session: Session, msgs: Sequence[Msg], what: str, how: How) -> None:
    """Show, ask, sign, send and wait, as far as `how` goes. `what` ends the sentence "This will …"."""
    if how.for_owner:
        price = parse_decimal(session.settings.chain.gas_price_uakt)
        print(json.dumps(json_form.unsigned(msgs, gas_price_e18=price), indent=2))
        return
    who = await session.who()
    chain = session.settings.chain
    ready = await once.draft(session.chain, who.key, msgs, chain, who.fee_granter)
    shown = _shown(ready, who)
    if how.dry_run:
        print(json.dumps(shown, indent=2) if how.output == "json" else _table(shown))
        return
    if not how.yes:
        _ask(f"This will {what}, signed by {who.key.address}; fee {ready.fee}, paid by {who.pays_fees}.")
    async with beside(session.settings, session.chain, who, msgs, ready) as notes:
        landed = await once.send(session.chain, who.key, ready, notes)
    if how.output == "json":
        print(json.dumps({"txhash": landed.hash, "height": landed.height, "gas_used": landed.gas_used}))
    else:
        print(f"done at height {landed.height}, transaction {landed.hash}")


def _shown(ready: once.Draft, who: Identity) -> dict[str, Any]:
    return {
        "signer": who.key.address,
        "provider": who.owner,
        "fee": str(ready.fee),
        "fee_paid_by": who.pays_fees,
        "gas": ready.gas_limit,
        "sign_bytes_sha256": hashlib.sha256(ready.document).hexdigest(),
        **json_form.signed_over(ready.body, ready.auth_info),
    }


def _table(shown: dict[str, Any]) -> str:
    lines = [f"{name:<18} {shown[name]}" for name in shown if name not in ("body", "auth_info")]
    return "\n".join([*lines, json.dumps(shown["body"], indent=2)])


def _ask(what: str) -> None:
    if not sys.stdin.isatty():
        raise ConfigError("--yes", "nobody is here to be asked", "Add --yes to sign, or --dry-run to look first.")
    if not typer.confirm(f"{what} Go on?", err=True):
        print("nothing was signed", file=sys.stderr)
        raise SystemExit(1)
