"""`python -m e2e.ailments [NAME…]`: record again, all or some, with a kubelet cluster of its own."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from e2e.ailments.cases import CASES
from e2e.ailments.record import record, write
from e2e.cluster import Cluster, ClusterError

FILE = Path(__file__).resolve().parents[2] / "tests/provider/cluster/health/ailments.jsonl"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.ailments", description="Pods in trouble, recorded.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(CASES)}; all by default")
    parser.add_argument("--to", type=Path, default=FILE, help="the file they are written to")
    given = parser.parse_args()
    unknown = set(given.names) - CASES.keys()
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    try:
        with Cluster("kubelet") as cluster:
            recordings = record(cluster, given.names or list(CASES))
    except ClusterError as trouble:
        print(trouble, file=sys.stderr)
        return 2
    write(recordings, given.to)
    print(f"{len(recordings)} recorded in {given.to}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
