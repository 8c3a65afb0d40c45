"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path, typer.Option("--data", help="The daemon's data directory.", envvar="AKP_DATA")]
HERE = Path("/var/lib/akp")
"""What it is when nobody says."""
MOST = 10**9
"""rows that may be asked for at once: more than any ledger has, and a number that SQLite can read"""
