"""`akp leases list` and `akp leases show`: where each lease stands, read from the chain and the cluster as they are.

No daemon is asked, so the answer is the same whether one runs or not. Only two things are in the daemon's memory alone
and not told here: the API server's words for a manifest it refused (its log and the tenant's status have them), and
how much of a grace has been used up (its log).
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from bidengine.owners import shown_time
from bidengine.views import LIVE, Lease
from manifests.errors import Invalid
from manifests.ids import LeaseID
from provider import keyring, log
from provider.chain.client import Chain
from provider.cli.ground import glimpse
from provider.cli.lists import OutputOption, show, structured
from provider.cluster.cluster import Cluster
from provider.errors import ConfigError, Retry
from provider.market.leases.conditions import Condition, conditions, first_unmet
from provider.settings import Settings, load

ConfigOption = Annotated[
    Path, typer.Option(help="The daemon's settings: its cluster and chain are looked at.", envvar="AKP_CONFIG")
]
LeaseArgument = Annotated[str, typer.Argument(help="The lease's id, or its dseq.")]


def list_leases(config: ConfigOption, output: OutputOption = "table") -> None:
    """Each lease with the first condition it does not meet, and why. Reads chain and cluster; no daemon is needed."""
    log.configure("auto", level="error")
    rows = [_row(lease, state, found) for lease, state, found in asyncio.run(_look(config))]
    columns = {"lease": "lease", "state": "state", "stands at": "condition", "reason": "reason", "whose": "whose",
               "message": "message"}  # fmt: skip
    show(rows, output, columns, nothing="there are no leases")


def show_lease(lease: LeaseArgument, config: ConfigOption, output: OutputOption = "table") -> None:
    """Every condition of a lease. Exit code 1 when one is not met."""
    log.configure("auto", level="error")
    ((found, state, told),) = asyncio.run(_look(config, lease))
    rows = [_condition(condition) for condition in told]
    if output in ("json", "yaml"):
        structured({"lease": str(found), "state": state, "conditions": rows}, output)
    else:
        print(f"{found}: {state} on chain", file=sys.stderr)
        show(rows, output, {key: key for key in rows[0]})
    if first_unmet(told) is not None:
        raise SystemExit(1)


def which(text: str, leases: Collection[LeaseID]) -> LeaseID:
    """The lease that is meant by its id, or by a dseq that only one of them has."""
    found = [lease for lease in leases if text in (str(lease), str(lease.dseq))]
    if len(found) == 1:
        return found[0]
    try:
        return LeaseID.parse(text)
    except Invalid:
        pass
    if found:
        raise ConfigError("LEASE", f"{text} is the dseq of {len(found)} leases", "Give the whole id.")
    raise ConfigError("LEASE", f"there is no lease {text}", "akp leases list shows those there are.")


Told = tuple[LeaseID, str, tuple[Condition, ...]]


async def _look(config: Path, only: str = "") -> list[Told]:
    settings = load(config)
    async with glimpse(settings.cluster) as cluster:
        owner = await keyring.owner(settings)
        live, why = await _on_chain(settings, owner)
        known = {*live, *(lease for lease in cluster.traces() if lease.provider == owner)}
        wanted = [which(only, known)] if only else sorted(known)
        return [_told(cluster, lease, live, why) for lease in wanted]


async def _on_chain(settings: Settings, owner: str) -> tuple[Mapping[LeaseID, Lease], str]:
    """The leases that live, or why that is not known."""
    try:
        async with Chain.connect(settings.chain) as chain:
            await chain.measure()
            head = await chain.head()
            asked = [await chain.at(head.height).leases(owner, state) for state in LIVE]
            return {lease.id: lease for found in asked for lease in found}, ""
    except Retry as trouble:
        print(f"the chain cannot be reached: {trouble}", file=sys.stderr)
        return {}, "unknown"


def _told(cluster: Cluster, lease: LeaseID, live: Mapping[LeaseID, Lease], why: str) -> Told:
    state = live[lease].state if lease in live else why or "over"
    return lease, state, conditions(cluster.facts(lease), over=state == "over")


def _row(lease: LeaseID, state: str, found: tuple[Condition, ...]) -> dict[str, Any]:
    unmet = first_unmet(found)
    if unmet is None:
        return {"lease": str(lease), "state": state, "condition": "all met", "reason": "", "whose": "", "message": ""}
    row = _condition(unmet)
    return {
        "lease": str(lease),
        "state": state,
        **{key: row[key] for key in ("condition", "reason", "whose", "message")},
    }


def _condition(condition: Condition) -> dict[str, str]:
    since = condition.since_unix_s
    return {
        "condition": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "since": shown_time(since) if since else "",
        "whose": condition.whose.value,
        "message": condition.message,
    }
