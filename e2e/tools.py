"""The two Go programs the chart's tests need, helm and kubeconform, built once from Go modules into a cache outside
the checkout.

Versions are pinned by helm/tools/go.mod and go.sum; the digest of both files is part of the cache path, so a new
version is a new file and an old one is never taken for it. A file lock lets several test processes ask at the same
time: one builds, the others wait and find the result.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

MODULE = Path(__file__).resolve().parent.parent / "helm" / "tools"

PACKAGES = {
    "helm": "helm.sh/helm/v3/cmd/helm",
    "kubeconform": "github.com/yannh/kubeconform/cmd/kubeconform",
}


class ToolMissing(Exception):
    """A tool cannot be had here; the text says which and what to install."""


def cache() -> Path:
    """`$AKP_CACHE`, else `~/.cache/akp`."""
    return Path(os.environ.get("AKP_CACHE") or Path.home() / ".cache" / "akp")


def ensure(name: str) -> Path:
    """The executable `name` (a key of PACKAGES), built first if need be (minutes on a small machine, once).

    Raises ToolMissing when there is no Go toolchain or the build fails; its own output goes to stderr.
    """
    package = PACKAGES[name]
    home = cache() / "bin" / _digest()
    program = home / name
    if program.exists():
        return program
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            _build(package, program)
    return program


def _digest() -> str:
    pins = (MODULE / "go.mod").read_bytes() + (MODULE / "go.sum").read_bytes()
    return hashlib.sha256(pins).hexdigest()[:12]


def _build(package: str, program: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise ToolMissing(
            f"{program.name} is built from source and there is no `go` on PATH: install Go, or put it on PATH."
        )
    print(f"building {program.name} ({package}), once, into {program.parent}", file=sys.stderr)
    # Built under another name and moved, so that a build cut short leaves nothing that looks finished.
    unfinished = program.with_name(f".{program.name}.{os.getpid()}")
    done = subprocess.run(
        ["nice", go, "build", "-trimpath", "-o", str(unfinished), package], cwd=MODULE, stdout=sys.stderr, check=False
    )
    if done.returncode:
        unfinished.unlink(missing_ok=True)
        raise ToolMissing(f"{program.name} could not be built from {MODULE}; the messages of `go build` are above.")
    unfinished.rename(program)


if __name__ == "__main__":
    for tool in sys.argv[1:] or PACKAGES:
        print(ensure(tool))
