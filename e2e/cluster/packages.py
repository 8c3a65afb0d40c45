"""Debian packages a kubelet node stands on, installed when missing and possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from e2e.cluster import cache

# A file each package must have brought, looked for on PATH when it is a bare name.
NEEDED = {
    "containerd": "containerd",
    "runc": "runc",
    "containernetworking-plugins": "/usr/lib/cni/bridge",
    "iptables": "iptables",
    "iproute2": "ip",
    "busybox-static": "busybox",
    "gcc": "gcc",
    "libc6-dev": "/usr/include/stdlib.h",
}


def missing() -> list[str]:
    return [
        package
        for package, proof in NEEDED.items()
        if not (Path(proof).exists() if "/" in proof else shutil.which(proof))
    ]


def install() -> None:
    """Install what is missing; call only where `require` had no objection."""
    with cache.lock("apt"):
        wanted = missing()
        if not wanted:
            return
        print(f"installing {' '.join(wanted)}", file=sys.stderr, flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (["update"], ["install", "-y", "--no-install-recommends", *wanted]):
            done = subprocess.run(
                ["nice", "-n", "10", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300", *command],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                check=False,
            )
            if done.returncode:
                raise RuntimeError(f"apt-get {command[0]} failed: {done.stdout[-2000:]}")
        if left := missing():
            raise RuntimeError(f"still missing after installation: {', '.join(left)}")
