"""`akp leases restart`: the pods of a service are replaced; nothing else of the lease changes."""

from __future__ import annotations

import asyncio
import datetime as dt
import sys
from pathlib import Path
from typing import Annotated

import typer

from provider import log
from provider.cli.ground import glimpse
from provider.cli.lease_conditions import ConfigOption, which
from provider.settings import load


def restart(
    lease: Annotated[str, typer.Argument(help="The lease's id, or its dseq.")],
    service: Annotated[str, typer.Argument(help="The service of its manifest.")],
    config: ConfigOption,
) -> None:
    """Restart a service of a lease: its pods are replaced one after the other, as with a new image."""
    log.configure("auto", level="error")
    print(asyncio.run(_restart(lease, service, config)), file=sys.stderr)


async def _restart(text: str, service: str, config: Path) -> str:
    async with glimpse(load(config).cluster) as cluster:
        lease = which(text, cluster.traces())
        await cluster.restart(lease, service, dt.datetime.now(dt.UTC).isoformat())
    return f"{service} of {lease} is being restarted; akp leases show {lease.dseq} tells when it is well"
