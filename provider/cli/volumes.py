"""`akp volumes`: tenants' volumes that are kept after their lease (docs/leases.md). Asks the cluster; no daemon is
needed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bidengine.owners import shown_time
from manifests.errors import Invalid
from manifests.ids import LeaseID
from manifests.units import shown_bytes
from provider.cli.ground import on_cluster
from provider.cli.lists import OutputOption, show
from provider.cluster.api.kinds import PERSISTENT_VOLUME
from provider.cluster.objects import retained
from provider.cluster.objects.retained import Retained
from provider.errors import ConfigError

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Volumes kept after their lease.")
ConfigOption = Annotated[Path, typer.Option(help="The daemon's settings: its cluster is asked.", envvar="AKP_CONFIG")]
VolumeArgument = Annotated[str, typer.Argument(help="Its name, as akp volumes list shows it.")]


@app.command("list")
def list_volumes(config: ConfigOption, output: OutputOption = "table") -> None:
    """Each volume that is kept: whose it was, how large, and until when."""
    found = on_cluster(config, lambda kube: kube.all(PERSISTENT_VOLUME, None, retained.KEPT))
    rows = [_row(retained.retained(obj)) for obj in found]
    show(rows, output, {key: key for key in rows[0]} if rows else {}, nothing="no volume is kept")


@app.command()
def release(
    volume: VolumeArgument,
    lease: Annotated[str, typer.Argument(help="The id of the lease that gets it, of the same tenant.")],
    config: ConfigOption,
) -> None:
    """Give a volume to a new lease of its tenant, before that lease's manifest is sent."""
    try:
        to = LeaseID.parse(lease)
    except Invalid as bad:
        raise ConfigError("LEASE", bad.message, "Give the whole id, as akp leases list shows it.") from None
    claim = on_cluster(config, lambda kube: retained.give(kube, volume, to))
    print(f"{volume} waits for the claim {claim} of {to}; the tenant can send the manifest now", file=sys.stderr)


@app.command()
def delete(volume: VolumeArgument, config: ConfigOption) -> None:
    """Delete a volume that is kept, now and for good."""
    on_cluster(config, lambda kube: retained.delete(kube, volume))
    print(f"{volume} is being deleted", file=sys.stderr)


def _row(volume: Retained) -> dict[str, Any]:
    return {
        "volume": volume.name,
        "lease": str(volume.lease or ""),
        "claim": volume.claim_name,
        "class": volume.storage_class,
        "size": shown_bytes(volume.size_bytes),
        "until": shown_time(volume.until_unix_s) if volume.until_unix_s else "",
        "phase": volume.phase,
    }
