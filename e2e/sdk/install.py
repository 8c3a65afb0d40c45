"""`node_modules` with the official SDK, made once by `npm ci` in the cache outside of the checkout.

A file lock lets several test processes ask at the same time: one installs, the others wait and find the result.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from e2e.cluster import cache

HERE = Path(__file__).resolve().parent
PINS = ("package.json", "package-lock.json")
_INSTALL_S = 600


class SdkMissing(Exception):
    """The SDK cannot be had here; the text says why and what to install."""


def installed() -> Path:
    """The directory that holds `node_modules`; installs first if need be. Raises SdkMissing."""
    home = cache.root() / "sdk" / _digest()
    if home.is_dir():
        return home
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise SdkMissing("there is no `node` or no `npm` on PATH: install Node.js 20 or newer.")
    with cache.lock("install-sdk"):
        if not home.is_dir():
            _install(home)
    return home


def _digest() -> str:
    return hashlib.sha256(b"".join((HERE / name).read_bytes() for name in PINS)).hexdigest()[:12]


def _install(home: Path) -> None:
    """Under another name first, so that an installation cut short leaves nothing that looks finished."""
    print(f"installing the TypeScript SDK, once, into {home}", file=sys.stderr)
    unfinished = home.with_name(f".{home.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    for name in PINS:
        shutil.copy(HERE / name, unfinished)
    command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
    try:
        done = subprocess.run(command, cwd=unfinished, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        raise SdkMissing(f"`npm ci` did not end within {_INSTALL_S} s.") from None
    if done.returncode:
        raise SdkMissing(f"`npm ci` failed: {done.stderr.strip()[-500:]}")
    unfinished.rename(home)
