"""`akp cert`: the gateway's certificate as a file, and as the chain lists it."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from provider.chain.certs import certificate_of
from provider.chain.convert.records import Certificate
from provider.chain.messages import RevokeCertificate
from provider.cli import signing
from provider.cli.signing import Config, DryRun, ForOwner, How, Output, Session, Yes
from provider.errors import ConfigError, NotFound, Refused
from provider.market.standing import certificate

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The gateway's certificate, as a file and on chain.")


@app.command()
def generate(
    domain: Annotated[
        list[str] | None, typer.Option("--domain", help="A name or address it is for; else those of the record.")
    ] = None,
    config: Config = None,
) -> None:
    """Make the file the gateway serves, where there is none. `akp cert publish`, or the daemon, publishes it."""

    async def work(session: Session) -> None:
        owner = await session.owner()
        path = certificate.own_file(session.settings.data, owner)
        names = tuple(domain or await _names(session, owner))
        if not names:
            cure = "Give --domain, or set cluster.public_hostname."
            raise ConfigError("--domain", "neither record nor settings tell what the certificate is for", cure)
        try:
            made = certificate.make(path, owner, names)
        except FileExistsError:
            cure = "It is renewed by itself in time. To have another now: akp cert revoke, or move the file away."
            raise ConfigError(str(path), "there is a certificate already", cure) from None
        except OSError as bad:
            raise ConfigError(
                str(path), f"cannot be written: {bad.strerror}", "Check `data` and your rights."
            ) from None
        print(f"{path}: serial {made.serial_number}, for {', '.join(names)}, until {_day(made.not_valid_after_utc)}")

    signing.run(config, work)


@app.command()
def publish(
    config: Config = None, dry_run: DryRun = False, for_owner: ForOwner = False, yes: Yes = False,
    output: Output = "table",
) -> None:  # fmt: skip
    """Publish the file's certificate on chain, where it is not yet."""

    async def work(session: Session) -> None:
        owner = await session.owner()
        found = certificate.read(_file(session, owner), owner)
        serial = found.serial_number
        listed = await session.chain.latest.certificate(owner, serial)
        if listed is not None and listed.state == "revoked":
            raise Refused(f"serial {serial} is revoked, for good: move the file away and akp cert generate")
        if listed is not None:
            print(f"serial {serial} is published already")
            return
        what = f"publish the certificate {serial} of {owner}, valid until {_day(found.not_valid_after_utc)}"
        msgs = [certificate.publication(owner, found)]
        await signing.carry_out(session, msgs, what, How(dry_run, for_owner, yes, output))

    signing.run(config, work)


@app.command()
def revoke(
    serial: Annotated[int, typer.Argument(help="Serial number, as `akp cert show` lists it.")],
    config: Config = None, dry_run: DryRun = False, for_owner: ForOwner = False, yes: Yes = False,
    output: Output = "table",
) -> None:  # fmt: skip
    """Revoke a certificate for good. A running daemon makes itself a new one when it was its own."""

    async def work(session: Session) -> None:
        owner = await session.owner()
        listed = await session.chain.latest.certificate(owner, serial)
        if listed is None or listed.state == "revoked":
            raise Refused(f"{owner} has no valid certificate {serial} on chain: akp cert show")
        what = f"revoke the certificate {serial} of {owner}; nobody trusts it any more"
        msgs = [RevokeCertificate(owner, serial)]
        await signing.carry_out(session, msgs, what, How(dry_run, for_owner, yes, output))

    signing.run(config, work)


@app.command()
def show(config: Config = None, output: Output = "table") -> None:
    """List the certificates on chain and the file that is served. Exit code 1 unless the file's is valid on chain."""

    async def work(session: Session) -> None:
        owner = await session.owner()
        path = _file(session, owner)
        serial = certificate.read(path, owner).serial_number if path.exists() else None
        listed = await session.chain.latest.certificates(owner, "")
        if output == "json":
            rows = [
                {"serial": c.serial, "state": c.state, "until": _end(c), "file": c.serial == serial} for c in listed
            ]
            print(json.dumps({"owner": owner, "file": str(path), "serial": serial, "certificates": rows}, indent=2))
        else:
            table = Table(Column("serial", no_wrap=True), "state", "until", "file", box=None)
            for c in listed:
                table.add_row(str(c.serial), c.state, _end(c), str(path) if c.serial == serial else "")
            Console(width=max(Console().width, 160)).print(table)
        if serial is None:
            raise Refused(f"{path} is not there: akp cert generate")
        if not any(c.serial == serial and c.state == "valid" for c in listed):
            raise Refused(f"the certificate {serial} of {path} is not valid on chain: akp cert publish")

    signing.run(config, work)


def _file(session: Session, owner: str) -> Path:
    return session.settings.gateway.certificate or certificate.own_file(session.settings.data, owner)


async def _names(session: Session, owner: str) -> list[str]:
    host = session.settings.cluster.public_hostname
    try:
        uri = (await session.chain.latest.provider(owner)).host_uri
    except NotFound:
        uri = session.settings.provider.host_uri
    return certificate.domains(uri, host)


def _end(listed: Certificate) -> str:
    try:
        return _day(certificate_of(listed.cert_pem).not_valid_after_utc)
    except ValueError:
        return "unreadable"


def _day(when: dt.datetime) -> str:
    return when.strftime("%Y-%m-%d")
