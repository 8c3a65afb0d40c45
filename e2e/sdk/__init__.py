"""Akash's official TypeScript SDK, installed once from npm into a cache outside the checkout.

Versions are pinned by package.json and package-lock.json beside this file; the digest of both is part of the cache
path, so a new version is a new folder. Nothing of a package runs while it is installed.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from e2e.tools import ToolMissing, cache

HERE = Path(__file__).resolve().parent
_PINS = ("package.json", "package-lock.json")


def ensure() -> Path:
    """The folder that holds `node_modules`. ToolMissing says what is not there."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            raise ToolMissing(f"there is no `{program}` on PATH: install Node.js 20 or newer, or put it on PATH.")
    home = cache() / "sdk" / hashlib.sha256(b"".join((HERE / name).read_bytes() for name in _PINS)).hexdigest()[:12]
    home.mkdir(parents=True, exist_ok=True)
    with (home / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (home / ".installed").exists():
            _install(home)
    return home


def bench(script: str, folder: Path) -> Path:
    """A copy of one of the scripts here, in a folder where it finds the packages."""
    (folder / "node_modules").symlink_to(ensure() / "node_modules")
    return Path(shutil.copy(HERE / script, folder))


def _install(home: Path) -> None:
    print(f"installing Akash's TypeScript SDK, once, into {home}", file=sys.stderr)
    for name in _PINS:
        shutil.copy(HERE / name, home)
    command = ["nice", "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=home, stdout=sys.stderr, check=False)
    if done.returncode:
        raise ToolMissing("Akash's TypeScript SDK could not be installed; the messages of `npm ci` are above.")
    (home / ".installed").touch()
