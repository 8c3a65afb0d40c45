"""What is said where the TypeScript SDK cannot be had, and that nothing half-made stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from e2e.sdk import SdkMissing, installed


def program(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_node_the_cure_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SdkMissing, match=r"no `node` or no `npm` on PATH: install Node\.js"):
        installed()


def test_a_failed_installation_says_what_npm_said_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKP_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    program(tmp_path / "bin", "node", "exit 0")
    program(tmp_path / "bin", "npm", "echo the registry is away >&2; exit 1")
    for _ in range(2):
        with pytest.raises(SdkMissing, match="the registry is away"):
            installed()
    program(tmp_path / "bin", "npm", "mkdir node_modules")
    home = installed()
    assert sorted(p.name for p in home.iterdir()) == ["node_modules", "package-lock.json", "package.json"]
    program(tmp_path / "bin", "npm", "exit 1")
    assert installed() == home
