"""`python -m e2e.scheduling`: the comparison with the real scheduler, as large and as often as one likes."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from dataclasses import asdict

from e2e.cluster import Cluster
from e2e.scheduling.agreement import compare
from provider import log


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.scheduling", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--nodes", type=int, default=200)
    parser.add_argument("--orders", type=int, default=150)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    log.configure("json", level="error")
    started = time.monotonic()
    with Cluster("kwok:1") as cluster:
        up_s = time.monotonic() - started
        outcome = asyncio.run(compare(cluster, seed=given.seed, nodes=given.nodes - 1, orders=given.orders))
    total_s = time.monotonic() - started
    print(json.dumps({**asdict(outcome), "up_s": round(up_s, 1), "total_s": round(total_s, 1)}, indent=1))
    return 1 if outcome.broken or outcome.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
