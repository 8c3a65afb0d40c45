"""`python -m e2e.cluster build | up | down | status`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from e2e.cluster import addons, build, cache
from e2e.cluster.cluster import Cluster, ClusterError, clusters, sweep


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m e2e.cluster", description="A real Kubernetes on one machine, without Docker."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the binaries now (about 10 minutes the first time)")
    up = commands.add_parser("up", help="start a cluster and leave it running")
    up.add_argument("--nodes", default="kubelet", help="kubelet (a real node; root), kwok:N (simulated) or none")
    up.add_argument(
        "--with", dest="addons", nargs="+", default=[], choices=addons.ADDONS, help="what else it shall have"
    )
    up.add_argument("--dir", type=Path, help="run directory; chosen in the cache when not given")
    down = commands.add_parser("down", help="stop clusters started by `up` and remove every trace")
    down.add_argument("--dir", type=Path, help="only the one with this run directory")
    commands.add_parser("status", help="list clusters")
    given = parser.parse_args()
    try:
        return {"build": _build, "up": _up, "down": _down, "status": _status}[given.command](given)
    except (ClusterError, build.BuildError, ValueError, RuntimeError) as trouble:
        print(trouble, file=sys.stderr)
        return 2


def _build(given: argparse.Namespace) -> int:
    named = {name: build.addon(addon.program) for name, addon in addons.ADDONS.items()}
    for name, path in sorted((build.binaries(kwok=True) | named).items()):
        print(f"{name:26} {path}")
    return 0


def _up(given: argparse.Namespace) -> int:
    cluster = Cluster(given.nodes, directory=given.dir)
    cluster.up(keep=True)
    try:
        addons.add(cluster, *given.addons)
    except BaseException:
        cluster.down()
        raise
    print(f"up in {cluster.up_in_s} s at {cluster.server}", file=sys.stderr)
    print(f"export KUBECONFIG={cluster.kubeconfig}")
    return 0


def _down(given: argparse.Namespace) -> int:
    with cache.lock("clusters"):
        gone = sweep()
        for cluster in clusters():
            kept = given.dir.absolute() if given.dir else None
            if cluster.run == kept or (kept is None and not cluster.owned()):
                cluster.down()
                gone.append(cluster.run)
    for run in gone:
        print(f"removed {run}")
    return 0


def _status(given: argparse.Namespace) -> int:
    for cluster in clusters():
        state = "running" if cluster.running() else "not running"
        owned = ", owned by a test" if cluster.owned() else ""
        print(f"{cluster.run}  {cluster.nodes}  {state}{owned}  {cluster.memory_bytes() >> 20} MiB  {cluster.server}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
