"""`akp policy`: what the operator's policy says of an SDL file, and who is on its lists. Lists are edited as files,
which a running daemon reads again at its next block.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.table import Column, Table

from bidengine.owners import Entry, edited, parse_owner, shown_time
from bidengine.policy_file import Sources
from bidengine.rules import OF_POLICY
from bidengine.us import Us
from bidengine.views import MarketParams, Order, Provider
from manifests.errors import SdlInvalid
from manifests.ids import OrderID
from manifests.images import objection
from manifests.sdl import compile_sdl
from provider.cli import periods
from provider.errors import ConfigError
from provider.files import write_whole
from provider.market.policy.policy import Policies, watched_list
from provider.settings import load

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Whom and what this provider serves.")

_Config = Annotated[Path | None, typer.Option("--config", help="The daemon's settings, for bid.policy and data.")]
_File = Annotated[Path | None, typer.Option("--policy", help="The policy file; overrides bid.policy.")]
_Output = Annotated[Literal["table", "json"], typer.Option("--output", "-o")]
_Owner = Annotated[str, typer.Argument(metavar="OWNER", help="Address of a tenant, akash1….")]


@app.command("test")
def try_(
    sdl: Annotated[Path, typer.Option("--sdl", help="An SDL file.")],
    owner: Annotated[str, typer.Option("--owner", help="The tenant it would come from; left out, any tenant.")] = "",
    config: _Config = None,
    policy: _File = None,
    output: _Output = "table",
) -> None:
    """Tell what the policy says of an order made from an SDL file, and of its images. Exit code 1 if it is refused."""
    found = _opened(config, policy)
    try:
        compiled = compile_sdl(sdl.read_bytes())
    except OSError as bad:
        raise ConfigError(str(sdl), f"the file cannot be read: {bad.strerror}", "Check its name.") from None
    except SdlInvalid as bad:
        raise ConfigError(str(sdl), str(bad), f"akp sdl lint {sdl} tells more.") from None
    now, owner = int(time.time()), tenant_address(owner) if owner else ""
    us = Us(
        Provider("", "", ()), MarketParams((), 0, 0, 0), 0, frozenset(), 0, 0, maintenance=False, height=0,
        now_unix_s=now, policy=found.current,
    )  # fmt: skip
    refused: list[dict[str, Any]] = []
    for n, group in enumerate(compiled.groups, start=1):
        order = Order(OrderID(owner, 1, n, 1), "open", group, 0)
        for rule in OF_POLICY:
            of_owner = rule.__name__ in ("allowed", "denied")
            no = rule(order, us) if owner or not of_owner else None
            if no is not None:
                refused.append({"group": group.name, "code": no.code, "detail": no.detail})
    for manifest in compiled.manifest:
        for service in manifest.services:
            why = objection(service.image, found.current.images)
            if why is not None:
                detail = f"service {service.name!r}: the image {service.image!r} {why}"
                refused.append({"group": manifest.name, "code": "image", "detail": detail})
    if output == "json":
        print(json.dumps({"file": str(sdl), "accept": not refused, "refused": refused}, indent=2))
    else:
        for each in refused:
            print(f"group {each['group']}: {each['code']}: {each['detail']}")
        if not refused:
            print(f"{sdl}: the policy has nothing against it")
    if refused:
        raise SystemExit(1)


@app.command("list")
def list_(config: _Config = None, policy: _File = None, output: _Output = "table") -> None:
    """Show the tenants that are denied and, where there is such a list, allowed; with end, reason and source."""
    found, now = _opened(config, policy), int(time.time())
    sides = {"deny": found.current.denied, "allow": found.current.allowed or {}}
    rows = [(side, entry) for side, entries in sides.items() for _, entry in sorted(entries.items())]
    if output == "json":
        print(json.dumps([{"list": side, **_json(entry, now)} for side, entry in rows], indent=2))
        return
    table = Table("list", Column("owner", no_wrap=True), "until", "reason", "source", box=None)
    for side, entry in rows:
        until = "" if entry.until_unix_s is None else shown_time(entry.until_unix_s)
        table.add_row(side, entry.owner, until if entry.holds(now) else f"{until} (over)", entry.reason, entry.source)
    Console(width=max(Console().width, 160)).print(table)
    for listed in found.remote.values():
        if listed.entries is None:
            print(f"{listed.name}: never loaded")


@app.command()
def deny(
    owner: _Owner,
    for_: Annotated[str, typer.Option("--for", help="How long, e.g. 30d, 12h, 90m; left out, for good.")] = "",
    reason: Annotated[str, typer.Option("--reason", help="Why, for you and for the record.")] = "",
    config: _Config = None,
    policy: _File = None,
) -> None:
    """Deny a tenant: no more bids on its orders, leases go on. Written to the first file of owners.deny.files."""
    path, found = _path(config, policy), _opened(config, policy)
    until = int(time.time()) + periods.seconds(for_, "--for") if for_ else None
    entry = Entry(tenant_address(owner), until, reason)
    file = _first(path, found.sources()[0], "deny")
    _edit(file, owner, entry)
    print(f"{owner} is denied {'for good' if until is None else f'until {shown_time(until)}'} ({file})")


@app.command()
def allow(owner: _Owner, config: _Config = None, policy: _File = None) -> None:
    """Take a tenant off the deny files and, where the policy serves only listed tenants, put it on the first file of
    owners.allow.files. Exit code 1 if it is still denied by something else."""
    path, found = _path(config, policy), _opened(config, policy)
    owner = tenant_address(owner)
    denies, allows = found.sources()
    for name in denies.files:
        _edit(path.parent / name, owner, None)
    if allows is not None:
        _edit(_first(path, allows, "allow"), owner, Entry(owner))
    left = _opened(config, policy).current.denied.get(owner)
    if left is not None and left.holds(int(time.time())):
        print(f"{owner} is still denied: {left}")
        raise SystemExit(1)
    print(f"{owner} is not denied{'' if allows is None else ', and is allowed'}")


def _path(config: Path | None, policy: Path | None) -> Path:
    path = policy or load(config).bid.policy
    if path is None:
        raise ConfigError("--policy", "no policy file is named", "Give --policy FILE, or --config with bid.policy set.")
    return path


def _opened(config: Path | None, policy: Path | None) -> Policies:
    """The policy as a daemon with these settings has it, lists from elsewhere as they were last loaded."""
    return Policies(_path(config, policy), load(config).data)


def _first(path: Path, sources: Sources, side: str) -> Path:
    if not sources.files:
        cure = f"Add one, e.g. owners: {{{side}: {{files: [{side}.txt]}}}}, and make the file."
        raise ConfigError(str(path), f"owners.{side}.files names no file to write to", cure)
    return path.parent / sources.files[0]


def _edit(file: Path, owner: str, entry: Entry | None) -> None:
    watched_list(file)  # a list that is wrong is not made longer
    before = file.read_text()
    after = edited(before, owner, entry)
    if after != before:
        try:
            write_whole(file, after)
        except OSError as bad:
            raise ConfigError(str(file), f"cannot be written: {bad.strerror}", "Check your rights.") from None


def tenant_address(owner: str) -> str:
    """As it was typed; ConfigError when it is none."""
    try:
        return parse_owner(owner)
    except ValueError as bad:
        raise ConfigError("OWNER", str(bad), "Copy the whole address.") from None


def _json(entry: Entry, now: int) -> dict[str, Any]:
    return {
        "owner": entry.owner,
        "until": None if entry.until_unix_s is None else shown_time(entry.until_unix_s),
        "holds": entry.holds(now),
        "reason": entry.reason,
        "source": entry.source,
    }
