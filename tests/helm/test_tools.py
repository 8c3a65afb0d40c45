from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from e2e import tools


@pytest.fixture
def go(tmp_path, monkeypatch):
    """A `go` that "builds" as the test says; `go.calls` lists what it was asked for."""
    monkeypatch.setenv("AKP_CACHE", str(tmp_path / "cache"))
    calls = tmp_path / "calls"

    def installed(body: str) -> Path:
        program = tmp_path / "bin" / "go"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\necho "$@" >> {calls}\nwhile [ "$1" != -o ]; do shift; done\n{body}\n')
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
        return calls

    return installed


def test_a_tool_is_built_once(go):
    calls = go('printf "#!/bin/sh\\necho hello\\n" > "$2"; chmod +x "$2"')
    program = tools.ensure("helm")
    assert tools.ensure("helm") == program
    assert subprocess.check_output([program], text=True) == "hello\n"
    assert len(calls.read_text().splitlines()) == 1
    assert calls.read_text().split()[-1] == tools.PACKAGES["helm"]


def test_a_failed_build_says_so_and_leaves_nothing_behind(go):
    go('touch "$2"; exit 1')
    with pytest.raises(tools.ToolMissing, match="kubeconform could not be built"):
        tools.ensure("kubeconform")
    home = next((tools.cache() / "bin").iterdir())
    assert {p.name for p in home.iterdir()} == {".lock"}


def test_without_go_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("AKP_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(tools.ToolMissing, match="install Go"):
        tools.ensure("helm")
