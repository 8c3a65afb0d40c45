"""What a cluster gets only when a test asks for it: names, an ingress, volumes, addresses, policies. One file each.

    addons.add(cluster, "dns", "ingress")      # safe to repeat; returns when they serve
    reason = addons.require("ingress")         # why it cannot be had here, or None

Their programs run beside the control plane or as pods, belong to the cluster, and go with it.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass

from e2e.cluster import build, cache
from e2e.cluster.addons import addresses, dns, envoy, ingress, policies, volumes
from e2e.cluster.addons.ground import Ground
from e2e.cluster.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Addon:
    """`program` is a key of build.ADDONS; `start` returns once what it started serves."""

    program: str
    start: Callable[[Ground], None]


ADDONS = {
    "dns": Addon("coredns", dns.start),
    "ingress": Addon("contour", ingress.start),
    "volumes": Addon("local-path", volumes.start),
    "addresses": Addon("metallb", addresses.start),
    "policies": Addon("kube-network-policies", policies.start),
}


def add(cluster: Cluster, *names: str) -> None:
    """Those not there yet, one at a time on a cluster. Raises RuntimeError with what the program said if it fails."""
    for name in names:
        mark = cluster.run / f"addon-{name}"
        with cache.lock(f"addons-{cluster.run.name}"):
            if not mark.exists():
                ADDONS[name].start(Ground(cluster, build.addon(ADDONS[name].program)))
                mark.touch()


def require(*names: str) -> str | None:
    """Why one of them cannot be had on this machine; None when all can. Builds and installs them to find out."""
    if not shutil.which("go"):
        return f"{', '.join(names)} come from Go modules, and go is not on PATH"
    try:
        for name in names:
            build.addon(ADDONS[name].program)
        if "ingress" in names:
            envoy.program()
    except (build.BuildError, envoy.EnvoyMissing) as bad:
        return str(bad)
    return None


def prepare() -> None:
    """Build and install all there are; what cannot be had is said by name."""
    for name in ADDONS:
        if reason := require(name):
            print(f"no {name} for the real cluster, its tests will be skipped: {reason}", file=sys.stderr)
