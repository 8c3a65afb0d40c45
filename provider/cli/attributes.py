"""`akp attributes`: what the provider says of itself on chain, against what settings and cluster say."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from manifests.resources import Attributes
from provider.chain.messages import UpdateProvider
from provider.cli import signing
from provider.cli.ground import glimpse
from provider.cli.signing import Config, DryRun, ForOwner, How, Output, Session, Yes
from provider.errors import NotFound, Refused
from provider.market.standing.attributes import Drift, drift

app = typer.Typer(add_completion=False, no_args_is_help=True, help="The provider's attributes.")
DRIFT = 4
"""Exit code: the chain says something else."""
Prune = Annotated[
    bool, typer.Option("--prune", help="Also take off what stands only on chain; else it is told and left.")
]


@app.command()
def diff(prune: Prune = False, config: Config = None, output: Output = "table") -> None:
    """Compare. Exit code 4 when the chain's attributes should be changed."""

    async def work(session: Session) -> Drift:
        return (await _compared(session, prune))[1]

    found = signing.run(config, work)
    print(json.dumps(_json(found), indent=2) if output == "json" else "\n".join(_lines(found)))
    if found.changes:
        raise SystemExit(DRIFT)


@app.command()
def sync(
    prune: Prune = False, config: Config = None, dry_run: DryRun = False, for_owner: ForOwner = False,
    yes: Yes = False, output: Output = "table",
) -> None:  # fmt: skip
    """Write onto the chain what settings and cluster say; host, contact and the rest of the record stay."""

    async def work(session: Session) -> None:
        record, found = await _compared(session, prune)
        if not found.changes:
            print("nothing to change: the chain says so already")
            return
        if output == "table" and not for_owner:
            print("\n".join(_lines(found)))
        after = UpdateProvider(record.owner, record.host_uri, found.wanted, record.email, record.website)
        what = f"change {len(found.changes)} attributes of {record.owner}"
        await signing.carry_out(session, [after], what, How(dry_run, for_owner, yes, output))

    signing.run(config, work)


async def _compared(session: Session, prune: bool) -> tuple[UpdateProvider, Drift]:
    owner, settings = await session.owner(), session.settings
    try:
        record = await session.chain.latest.provider_record(owner)
    except NotFound:
        raise Refused(f"{owner} is not registered as a provider: akp chain provider create") from None
    found = None
    if settings.provider.publish_capabilities:
        async with glimpse(settings.cluster) as cluster:
            found = cluster.capabilities()
    return record, drift(record.attributes, settings.provider.attributes, found, prune=prune)


def _lines(found: Drift) -> list[str]:
    if not found.changes and not found.only_on_chain:
        return ["the chain says what settings and cluster say"]
    lines = [f"{mark} {key}={value}" for mark, key, value in _marked(found)]
    return lines + [f"  {a.key}={a.value} stands only on chain; --prune takes it off" for a in found.only_on_chain]


def _marked(found: Drift) -> list[tuple[str, str, str]]:
    out = [("+", a.key, a.value) for a in found.added]
    out += [("~", a.key, f"{a.value} (chain: {found.was[a.key]})") for a in found.changed]
    return sorted(out + [("-", a.key, a.value) for a in found.removed], key=lambda row: row[1])


def _json(found: Drift) -> dict[str, Any]:
    def plain(attributes: Attributes) -> dict[str, str]:
        return {a.key: a.value for a in attributes}

    return {
        "drift": bool(found.changes), "added": plain(found.added), "changed": plain(found.changed),
        "removed": plain(found.removed), "only_on_chain": plain(found.only_on_chain),
    }  # fmt: skip
