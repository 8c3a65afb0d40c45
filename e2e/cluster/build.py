"""The binaries, built from Go modules once and kept in the cache under the hash of what they are built from.

Three small modules under `go/` pin the versions: Kubernetes 1.34 (whose staging modules must be replaced by hand),
etcd 3.6 (apart, because it wants other versions of the same libraries; 3.4 and 3.5.1 break watches that name no
version) and kwok.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster import cache

MODULES = Path(__file__).parent / "go"
KUBERNETES = "v1.34.4"


@dataclass(frozen=True, slots=True)
class Module:
    """`packages` are named by the file they become; an empty mapping builds every tool of the module under its own
    name.
    """

    name: str
    packages: dict[str, str]
    ldflags: str = ""
    minutes_cold: int = 1

    @property
    def folder(self) -> Path:
        return MODULES / self.name

    def target(self) -> Path:
        parts = [(self.folder / name).read_bytes() for name in ("go.mod", "go.sum")]
        return cache.binaries() / f"{self.name}-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}"


ETCD = Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"})
KWOK = Module("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, minutes_cold=2)
CONTROL_PLANE = Module("kubernetes", {}, f"-X k8s.io/component-base/version.gitVersion={KUBERNETES}", minutes_cold=7)


def binaries(*, kwok: bool = False) -> dict[str, Path]:
    """Program name → path, building what is missing. One builder at a time on a machine; the others wait and find it
    built.
    """
    found: dict[str, Path] = {}
    for module in (ETCD, CONTROL_PLANE, *([KWOK] if kwok else [])):
        folder = module.target()
        if not folder.is_dir():
            with cache.lock(f"build-{module.name}"):
                if not folder.is_dir():
                    _build(module, folder)
        found |= {path.name: path for path in folder.iterdir()}
    return found


def missing() -> list[str]:
    """Names of the modules that would have to be built first."""
    return [module.name for module in (ETCD, CONTROL_PLANE, KWOK) if not module.target().is_dir()]


def _build(module: Module, folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    say = f"building {module.name} into {folder} (about {module.minutes_cold} min the first time)"
    print(say, file=sys.stderr, flush=True)
    started = time.monotonic()
    wanted = [(str(partial / name), package) for name, package in module.packages.items()] or [
        (f"{partial}{os.sep}", "tool")
    ]
    for out, package in wanted:
        _go(module, out, package, started)
    partial.rename(folder)
    print(f"built {module.name} in {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)


def _go(module: Module, out: str, package: str, started: float) -> None:
    """Nice, because a build must not starve tests; no cgo, so that nothing depends on this machine's C library."""
    command = [
        "go",
        "build",
        "-v",
        "-mod=readonly",
        "-buildvcs=false",
        "-trimpath",
        "-ldflags",
        f"-s -w {module.ldflags}".strip(),
    ]
    environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}
    tail: list[str] = []
    with subprocess.Popen(
        ["nice", "-n", "19", *command, "-o", out, package],
        cwd=module.folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    ) as go:
        assert go.stderr is not None
        told = started
        for count, line in enumerate(go.stderr, 1):
            tail = [*tail[-30:], line]
            if time.monotonic() - told > 15:
                told = time.monotonic()
                print(f"  {module.name}: {count} packages, {told - started:.0f} s", file=sys.stderr, flush=True)
    if go.returncode:
        raise BuildError(f"{' '.join(command)} {package} in {module.folder} failed:\n{''.join(tail)}")


class BuildError(Exception):
    """Carries the end of what the Go compiler said."""
