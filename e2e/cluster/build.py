"""The binaries, built from Go modules once and kept in the cache under the hash of what they are built from.

Small modules under `go/` pin the versions: Kubernetes 1.34 (whose staging modules must be replaced by hand), etcd 3.6
(apart, because it wants other versions of the same libraries; 3.4 and 3.5.1 break watches that name no version), kwok,
and one for each of the addons. Those want the same versions of their libraries as Contour, so that most of what they
are made of is compiled once.
"""

from __future__ import annotations

import hashlib
import json
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
        parts = [file.read_bytes() for file in sorted(self.folder.iterdir())]
        return cache.binaries() / f"{self.name}-{hashlib.sha256(b''.join(parts)).hexdigest()[:16]}"


ETCD = Module("etcd", {"etcd": "go.etcd.io/etcd/server/v3"})
KWOK = Module("kwok", {"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, minutes_cold=2)
ADDONS = {
    "contour": Module("contour", {"contour": "github.com/projectcontour/contour/cmd/contour"}, minutes_cold=2),
    "coredns": Module("coredns", {"coredns": "."}),
    "local-path": Module(
        "local-path-provisioner", {"local-path-provisioner": "github.com/rancher/local-path-provisioner"}
    ),
    "kube-network-policies": Module(
        "kube-network-policies", {"kube-network-policies": "sigs.k8s.io/kube-network-policies/cmd"}
    ),
    "metallb": Module("metallb", {"metallb-controller": "go.universe.tf/metallb/controller"}),
}
"""What a cluster gets only when asked for (e2e.cluster.addons)."""
CONTROL_PLANE = Module("kubernetes", {}, f"-X k8s.io/component-base/version.gitVersion={KUBERNETES}", minutes_cold=7)


def binaries(*, kwok: bool = False) -> dict[str, Path]:
    """Program name → path, building what is missing. One builder at a time on a machine; the others wait and find it
    built.
    """
    found: dict[str, Path] = {}
    for module in (ETCD, CONTROL_PLANE, *([KWOK] if kwok else [])):
        found |= {path.name: path for path in _built(module).iterdir()}
    return found


def addon(name: str) -> Path:
    """The program of a key of ADDONS, building it if need be."""
    (program,) = _built(ADDONS[name]).iterdir()
    return program


def source(name: str, path: str) -> Path:
    """Where the Go module `path` lies, of the version that addon `name` is built with: its files, e.g. CRDs."""
    command = ["go", "mod", "download", "-json", path]
    done = subprocess.run(
        command, cwd=ADDONS[name].folder, env=_environment(), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{' '.join(command)} in {ADDONS[name].folder} failed:\n{done.stdout}{done.stderr}")
    return Path(json.loads(done.stdout)["Dir"])


def missing() -> list[str]:
    """Names of the modules that would have to be built first."""
    return [module.name for module in (ETCD, CONTROL_PLANE, KWOK) if not module.target().is_dir()]


def _built(module: Module) -> Path:
    folder = module.target()
    if not folder.is_dir():
        with cache.lock(f"build-{module.name}"):
            if not folder.is_dir():
                _build(module, folder)
    return folder


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
    tail: list[str] = []
    with subprocess.Popen(
        ["nice", "-n", "19", *command, "-o", out, package],
        cwd=module.folder,
        env=_environment(),
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


def _environment() -> dict[str, str]:
    return os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "", "GOWORK": "off"}


class BuildError(Exception):
    """Carries the end of what the Go compiler said."""
