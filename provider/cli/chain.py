"""`akp chain`: the provider's record on chain; grants.py adds those by which a hot key works for it, nodes.py the
nodes that are asked."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Annotated, Any

import typer

from manifests.resources import Attribute
from provider.chain.messages import CreateProvider, UpdateProvider
from provider.cli import grants, nodes, signing
from provider.cli.signing import Config, DryRun, ForOwner, How, Output, Session, Yes
from provider.errors import ConfigError, NotFound, Refused
from provider.settings import ProviderSettings, Settings

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The provider's record, its nodes, and grants to its hot key."
)
provider = typer.Typer(no_args_is_help=True, help="The provider's record on chain.")
app.add_typer(provider, name="provider")
app.add_typer(grants.app, name="grants")
app.command()(nodes.nodes)

HostUri = Annotated[str | None, typer.Option("--host-uri", help="Overrides provider.host_uri, e.g. https://host:8443.")]
Email = Annotated[str | None, typer.Option("--email", help="Overrides provider.email.")]
Website = Annotated[str | None, typer.Option("--website", help="Overrides provider.website.")]
Attributes = Annotated[
    list[str] | None,
    typer.Option("--attribute", "-a", metavar="KEY=VALUE", help="One more attribute; may be repeated."),
]


@provider.command()
def create(
    host_uri: HostUri = None, email: Email = None, website: Website = None, attribute: Attributes = None,
    config: Config = None, dry_run: DryRun = False, for_owner: ForOwner = False, yes: Yes = False,
    output: Output = "table",
) -> None:  # fmt: skip
    """Register the provider: address, contact and attributes from the settings and from flags."""

    async def work(session: Session) -> None:
        settings, owner = session.settings, await session.owner()
        known = settings.provider
        record = CreateProvider(
            owner, _host_uri(host_uri, settings), _pairs({**known.attributes, **_given(attribute)}),
            known.email if email is None else email, known.website if website is None else website,
        )  # fmt: skip
        if not for_owner:
            await _not_there(session, owner)
        what = f"register {owner} as a provider at {record.host_uri} with {len(record.attributes)} attributes"
        await signing.carry_out(session, [record], what, How(dry_run, for_owner, yes, output))

    signing.run(config, work)


@provider.command()
def update(
    host_uri: HostUri = None, email: Email = None, website: Website = None, attribute: Attributes = None,
    remove: Annotated[list[str] | None, typer.Option("--remove", metavar="KEY", help="Take an attribute off.")] = None,
    config: Config = None, dry_run: DryRun = False, for_owner: ForOwner = False, yes: Yes = False,
    output: Output = "table",
) -> None:  # fmt: skip
    """Change the record. What neither flags nor settings name stays as it is on chain."""

    async def work(session: Session) -> None:
        owner = await session.owner()
        before = await _record(session, owner)
        after = _changed(before, session.settings.provider, host_uri, email, website, _given(attribute), remove or [])
        if after == before:
            print(f"nothing to change: the record of {owner} says so already")
            return
        what = f"change the record of {owner}: {'; '.join(_differences(before, after))}"
        await signing.carry_out(session, [after], what, How(dry_run, for_owner, yes, output))

    signing.run(config, work)


@provider.command()
def show(config: Config = None, output: Output = "table") -> None:
    """Show the record, the owner's account and the one that signs. Exit code 1 where there is no record."""

    async def work(session: Session) -> None:
        who = await session.who()
        try:
            record = await session.chain.latest.provider_record(who.owner)
        except NotFound:
            record = None
        balances = {a: await session.chain.latest.balances(a) for a in dict.fromkeys((who.owner, who.key.address))}
        if output == "json":
            print(json.dumps(_json(who.owner, who.key.address, who.pays_fees, record, balances), indent=2))
        else:
            for name, address in {"owner": who.owner, "signer": who.key.address}.items():
                print(f"{name:<11} {address}  {_coins(balances[address])}")
            print(f"{'fees':<11} paid by {who.pays_fees}")
            for name, value in _rows(record):
                print(f"{name:<11} {value}")
        if record is None:
            raise Refused(f"{who.owner} is not registered as a provider: akp chain provider create")

    signing.run(config, work)


async def _not_there(session: Session, owner: str) -> None:
    with suppress(NotFound):
        await session.chain.latest.provider_record(owner)
        raise Refused(f"{owner} is registered already: akp chain provider update changes the record")


async def _record(session: Session, owner: str) -> UpdateProvider:
    try:
        return await session.chain.latest.provider_record(owner)
    except NotFound:
        raise Refused(f"{owner} is not registered as a provider: akp chain provider create") from None


def _changed(
    before: UpdateProvider, known: ProviderSettings, host_uri: str | None, email: str | None, website: str | None,
    given: dict[str, str], remove: list[str],
) -> UpdateProvider:  # fmt: skip
    have = {a.key: a.value for a in before.attributes}
    if missing := sorted(set(remove) - have.keys()):
        raise ConfigError("--remove", f"no such attribute: {', '.join(missing)}", "akp chain provider show lists them.")
    attributes = {k: v for k, v in {**have, **known.attributes, **given}.items() if k not in remove}
    return UpdateProvider(
        before.owner,
        host_uri or known.host_uri or before.host_uri,
        _pairs(attributes) if attributes != have else before.attributes,
        email if email is not None else known.email or before.email,
        website if website is not None else known.website or before.website,
    )


def _host_uri(given: str | None, settings: Settings) -> str:
    host = settings.cluster.public_hostname
    found = given or settings.provider.host_uri or (f"https://{host}:8443" if host else "")
    if not found:
        cure = "Set it, or cluster.public_hostname, or give --host-uri https://host:8443."
        raise ConfigError("provider.host_uri", "where tenants reach the provider is not known", cure)
    return found


def _given(pairs: list[str] | None) -> dict[str, str]:
    out = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise ConfigError("--attribute", f"{pair!r} is not KEY=VALUE", "Write it like region=us-west.")
        out[key] = value
    return out


def _pairs(attributes: dict[str, str]) -> tuple[Attribute, ...]:
    return tuple(Attribute(k, v) for k, v in sorted(attributes.items()))


def _differences(before: UpdateProvider, after: UpdateProvider) -> list[str]:
    out = [
        f"{name} {getattr(before, name) or 'empty'} -> {getattr(after, name) or 'empty'}"
        for name in ("host_uri", "email", "website")
        if getattr(before, name) != getattr(after, name)
    ]
    old, new = ({a.key: a.value for a in r.attributes} for r in (before, after))
    out += [f"{k}={new[k]}" for k in new if old.get(k) != new[k]]
    return out + [f"without {k}" for k in old if k not in new]


def _rows(record: UpdateProvider | None) -> list[tuple[str, str]]:
    if record is None:
        return []
    head = [(name, getattr(record, name)) for name in ("host_uri", "email", "website")]
    rows = [(name, value) for name, value in head if value]
    return rows + [("attribute", f"{a.key}={a.value}") for a in record.attributes]


def _json(
    owner: str, signer: str, fees: str, record: UpdateProvider | None, balances: dict[str, dict[str, int]]
) -> dict[str, Any]:
    shown = None
    if record is not None:
        shown = {
            "host_uri": record.host_uri, "email": record.email, "website": record.website,
            "attributes": {a.key: a.value for a in record.attributes},
        }  # fmt: skip
    return {"owner": owner, "signer": signer, "fees_paid_by": fees, "balances": balances, "record": shown}


def _coins(balances: dict[str, int]) -> str:
    return ", ".join(f"{amount}{denom}" for denom, amount in sorted(balances.items())) or "nothing"
