"""`akp tx`: what the daemon has sent and sends (`list`, `show`), and every command that signs, by one name.
`akp tx provider update --dry-run` is `akp chain provider update --dry-run`: what would be signed, its hash, gas and
fee.
"""

from __future__ import annotations

import typer

from provider.cli import attributes, cert, chain, deposits, lease_ending, lease_income, outbox

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="What was asked of the chain; and every command that signs."
)
app.command("list")(outbox.list_)
app.command("show")(outbox.show)
_provider = typer.Typer(no_args_is_help=True, help="As `akp chain provider`.")
_cert = typer.Typer(no_args_is_help=True, help="As `akp cert`.")
_attributes = typer.Typer(no_args_is_help=True, help="As `akp attributes`.")
_deposits = typer.Typer(no_args_is_help=True, help="As `akp deposits`.")
app.add_typer(_provider, name="provider")
app.add_typer(_cert, name="cert")
app.add_typer(_attributes, name="attributes")
app.add_typer(_deposits, name="deposits")
app.command()(lease_income.withdraw)
app.command()(lease_ending.reclaim)
app.command()(lease_ending.close)
_provider.command()(chain.create)
_provider.command()(chain.update)
_cert.command()(cert.publish)
_cert.command()(cert.revoke)
_attributes.command()(attributes.sync)
# A group of one command would lose its name.
_attributes.command()(attributes.diff)
_deposits.command()(deposits.reclaim)
_deposits.command("list")(deposits.list_)
