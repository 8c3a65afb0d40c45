"""The Gateway API's own definitions, out of its Go module: what a cluster has once somebody installed them there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.build import MODULES

MODULE = "sigs.k8s.io/gateway-api"


def definitions() -> list[dict[str, Any]]:
    """The CustomResourceDefinitions of the standard channel. RuntimeError where the module cannot be had."""
    files = sorted((_module() / "config" / "crd" / "standard").glob("gateway.networking.k8s.io_*.yaml"))
    return [yaml.safe_load(file.read_text()) for file in files]


def _module() -> Path:
    """Where Go keeps it, in the version that go.mod pins and go.sum vouches for."""
    if shutil.which("go") is None:
        raise RuntimeError("the Gateway API's definitions come from a Go module, and there is no `go` on PATH")
    command = ["go", "mod", "download", "-json", MODULE]
    got = subprocess.run(command, capture_output=True, text=True, check=False, cwd=MODULES / "gateway-api")
    if got.returncode:
        raise RuntimeError(f"{MODULE} cannot be downloaded: {got.stderr.strip() or got.stdout.strip()}")
    return Path(json.loads(got.stdout)["Dir"])
