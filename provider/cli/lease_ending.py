"""`akp leases reclaim` and `akp leases close`: the operator ends a lease, with the notice that was promised for it.

Once notice has been given, the daemon closes the lease when its time is up; nothing else has to be remembered.
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from bidengine.owners import shown_time
from bidengine.views import CloseReason, Lease
from provider.chain.messages import CloseBid, Msg, StartReclaim
from provider.cli import periods, signing
from provider.cli.live import own
from provider.cli.signing import Config, DryRun, ForOwner, How, Output, Session, Yes
from provider.errors import ConfigError, Refused

NAMES = {
    "unstable": CloseReason.UNSTABLE,
    "decommission": CloseReason.DECOMMISSION,
    "unspecified": CloseReason.UNSPECIFIED,
    "manifest-timeout": CloseReason.MANIFEST_TIMEOUT,
}
LeaseArgument = Annotated[str, typer.Argument(metavar="LEASE", help="owner/dseq/gseq/oseq/provider.")]
Reason = Annotated[
    str,
    typer.Option("--reason", help="What the chain and the tenant are told: " + ", ".join(NAMES) + ", or 10000–19999."),
]


def reclaim(
    lease: LeaseArgument, reason: Reason = "decommission", config: Config = None, dry_run: DryRun = False,
    for_owner: ForOwner = False, yes: Yes = False, output: Output = "table",
) -> None:  # fmt: skip
    """Give the notice that was promised; the lease runs on until its end, and is closed then."""
    why = reason_number(reason)

    async def work(session: Session) -> None:
        found = await own(session, lease)
        if found.reclamation is None:
            raise Refused(f"no notice was promised for {found.id}: akp leases close ends it at once")
        if found.state == "reclaiming":
            _tell(found, output)
            return
        await _carry_out(session, StartReclaim(found.id, why), _notice(found), How(dry_run, for_owner, yes, output))

    signing.run(config, work)


def close(
    lease: LeaseArgument, reason: Reason = "unspecified", config: Config = None, dry_run: DryRun = False,
    for_owner: ForOwner = False, yes: Yes = False, output: Output = "table",
) -> None:  # fmt: skip
    """End a lease: at once, or, where notice was promised, by giving it; the daemon closes it after that."""
    why, how = reason_number(reason), How(dry_run, for_owner, yes, output)

    async def work(session: Session) -> None:
        found = await own(session, lease)
        if found.reclamation is not None and found.state == "active":
            if output == "table" and not for_owner:
                print(f"{periods.shown(found.reclamation.window_s)} of notice were promised, which begin now")
            await _carry_out(session, StartReclaim(found.id, why), _notice(found), how)
        elif found.reclamation is not None and not await _is_over(session, found):
            _tell(found, output)
        else:
            await _carry_out(session, CloseBid(found.id, why), f"close the lease {found.id}", how)

    signing.run(config, work)


def reason_number(text: str) -> int:
    """Of a name or a number; what the chain takes of a provider (chain.md §2.3)."""
    if text in NAMES:
        return int(NAMES[text])
    if text.isascii() and text.isdigit() and 10_000 <= int(text) <= 19_999:
        return int(text)
    raise ConfigError("--reason", f"{text!r} is no reason of a provider", f"One of {', '.join(NAMES)}, or 10000–19999.")


async def _carry_out(session: Session, msg: Msg, what: str, how: How) -> None:
    await signing.carry_out(session, [msg], what, how)


async def _is_over(session: Session, lease: Lease) -> bool:
    head = await session.chain.head()
    return lease.reclamation is not None and head.time_unix_ns >= lease.reclamation.deadline_unix_s * 10**9


def _notice(lease: Lease) -> str:
    window_s = lease.reclamation.window_s if lease.reclamation is not None else 0
    return f"give {periods.shown(window_s)} of notice for {lease.id}, after which the daemon closes it"


def _tell(lease: Lease, output: Output) -> None:
    assert lease.reclamation is not None
    until = shown_time(lease.reclamation.deadline_unix_s)
    if output == "json":
        print(json.dumps({"lease": str(lease.id), "state": lease.state, "notice_until": until}))
    else:
        print(f"notice has been given; it runs until {until}, then the daemon closes the lease")
