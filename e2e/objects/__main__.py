"""`python -m e2e.objects DIR…`: each case compared; exit 1 on any difference that is not in the table, 2 for a folder
that is no case or where no API server can be had.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from e2e.cluster import Cluster, ClusterError, require
from e2e.dryrun import DryRun
from e2e.objects.case import NotACase, read_case
from e2e.objects.outcome import compare, unused


def main() -> int:
    what = "Compare what we render with what the Go provider created."
    parser = argparse.ArgumentParser(prog="python -m e2e.objects", description=what)
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="a case or a folder of cases, not files")
    parser.add_argument("--show", type=int, default=20, metavar="N", help="differences to print per case (20)")
    parser.add_argument("--purposes", action="store_true", help="print the rows of the table that were needed, counted")
    parser.add_argument("--every-row", action="store_true", help="fail on a row of the table that no case needs")
    asked = parser.parse_args()
    try:
        cases = [read_case(home) for folder in asked.folders if not folder.is_file() for home in _cases(folder)]
    except NotACase as bad:
        print(bad, file=sys.stderr)
        return 2
    if reason := require("none"):
        print(f"no API server: {reason}", file=sys.stderr)
        return 2
    try:
        with Cluster("none") as cluster, DryRun.on(cluster) as server:
            outcomes = [compare(case, server) for case in cases]
    except (ClusterError, RuntimeError) as trouble:
        print(f"no API server: {trouble}", file=sys.stderr)
        return 2
    for outcome in outcomes:
        print(outcome.report(asked.show))
    rows = [row for outcome in outcomes for row, _ in outcome.allowed]
    if asked.purposes:
        for row in dict.fromkeys(rows):
            print(f"{rows.count(row):5} {row}")
    idle = unused(outcomes) if asked.every_row else []
    for row in idle:
        print(f"no case needs the row: {row}")
    bad = sum(not outcome.good for outcome in outcomes)
    print(f"{len(outcomes)} case(s), {bad} differ")
    return 1 if bad or idle else 0


def _cases(folder: Path) -> list[Path]:
    """The folder itself, or those in it."""
    if (folder / "manifest.json").exists() or not folder.is_dir():
        return [folder]
    found = sorted(home for home in folder.iterdir() if (home / "manifest.json").exists())
    return found or [folder]


if __name__ == "__main__":
    sys.exit(main())
