"""`akp` finds its nouns without importing all of them, and turns errors into one line and an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from provider.cli import main as cli
from provider.errors import ConfigError, Fatal, Refused, Retry

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def akp(*args: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "provider", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | env)


def test_help_lists_every_noun() -> None:
    out = akp("--help")
    assert out.returncode == 0
    assert all(noun in out.stdout for noun in cli.NOUNS)


def test_an_unknown_noun_is_a_usage_error() -> None:
    out = akp("frobnicate")
    assert out.returncode == 2
    assert "no such command: frobnicate" in out.stderr


def test_what_a_terminal_cannot_show_is_escaped() -> None:
    files = (str(EXAMPLES / name) for name in ("01-web.yaml", "02-two-services.yaml"))
    out = akp("sdl", "diff", *files, PYTHONIOENCODING="ascii")
    assert "count 1 \\u2192 2" in out.stdout
    assert out.stderr == ""


def test_the_version_is_the_packages() -> None:
    assert akp("version").stdout.strip().count(".") == 2


def test_a_config_that_cannot_be_read_is_one_line_and_exit_2(tmp_path: Path) -> None:
    out = akp("run", "--config", str(tmp_path / "none.yaml"))
    assert out.returncode == 2
    said = f"{tmp_path}/none.yaml: No such file or directory. Give the path of a readable YAML file with --config."
    assert out.stderr == f"akp: {said}\n"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("here", "wrong", "Mend it."), 2),
        (Retry("no node answers"), 3),
        (Refused("no"), 1),
        (Fatal("another chain"), 1),
        (ExceptionGroup("tasks", [ExceptionGroup("inner", [ConfigError("here", "wrong", "Mend it.")])]), 2),
    ],
    ids=["config", "unreachable", "refused", "fatal", "inside task groups"],
)
def test_errors_of_ours_become_a_line_and_a_code(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _noun(monkeypatch, error)
    with pytest.raises(SystemExit) as exit_:
        cli.main(["version"])
    assert exit_.value.code == code
    said = capsys.readouterr().err
    assert said.startswith("akp: ")
    assert said.count("\n") == 1


def test_a_defect_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    _noun(monkeypatch, ExceptionGroup("tasks", [ZeroDivisionError()]))
    with pytest.raises(ZeroDivisionError):
        cli.main(["version"])


def test_a_commands_own_exit_code_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    _noun(monkeypatch, typer.Exit(5))
    with pytest.raises(SystemExit) as exit_:
        cli.main(["version"])
    assert exit_.value.code == 5


def _noun(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    import provider.cli.version as noun

    app = typer.Typer()

    @app.command()
    def fail() -> None:
        raise error

    monkeypatch.setattr(noun, "app", app)
