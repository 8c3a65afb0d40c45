"""`akp sdl` as a person and a script use it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from provider.cli.sdl import app
from provider.errors import ConfigError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
WEB = EXAMPLES / "01-web.yaml"


def akp_sdl(*args: object, stdin: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(a) for a in args], input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    path = tmp_path / "wrong.yaml"
    path.write_text(WEB.read_text().replace("size: 64Mi", "size: 64Mb"))
    return path


def test_compile_one_file() -> None:
    code, out = akp_sdl("compile", WEB)
    result = json.loads(out)
    assert code == 0
    assert list(result) == ["file", "accept", "version", "groups", "manifest"]
    assert (result["file"], result["accept"], len(result["version"])) == (str(WEB), True, 64)
    assert result["groups"][0]["resources"][0]["resource"]["cpu"] == {"units": {"val": "100"}}
    assert json.loads(result["manifest"])[0]["services"][0]["name"] == "web"


def test_compile_a_refused_file(wrong: Path) -> None:
    code, out = akp_sdl("compile", wrong)
    result = json.loads(out)
    assert code == 1
    assert result["accept"] is False
    assert (result["error"]["path"], result["error"]["line"]) == ("profiles.compute.web.resources.memory.size", 21)
    assert "64Mb" in result["error"]["message"]


def test_compile_several_as_a_list_and_one_refusal_makes_the_exit_code(wrong: Path) -> None:
    code, out = akp_sdl("compile", WEB, wrong)
    assert code == 1
    assert [r["accept"] for r in json.loads(out)] == [True, False]


@pytest.mark.parametrize("output", ["json", "yaml", "jsonl"])
def test_compile_a_directory_in_each_format(output: str) -> None:
    code, out = akp_sdl("compile", EXAMPLES, "-o", output)
    results: list[Any] = [json.loads(line) for line in out.splitlines()] if output == "jsonl" else yaml.safe_load(out)
    assert code == 0
    assert [r["file"] for r in results] == sorted(str(p) for p in EXAMPLES.glob("*.yaml"))
    assert [r["reclamation_min_window_s"] for r in results if "reclamation_min_window_s" in r] == [86400]


@pytest.mark.parametrize("name", ["gone.yaml", "a" * 5000], ids=["missing", "no possible name"])
def test_a_file_that_cannot_be_read_is_one_line_among_the_others(tmp_path: Path, name: str) -> None:
    code, out = akp_sdl("compile", WEB, tmp_path / name, WEB, "-o", "jsonl")
    results = [json.loads(line) for line in out.splitlines()]
    assert (code, [r["accept"] for r in results]) == (1, [True, False, True])
    assert (results[1]["error"]["path"], results[1]["error"]["line"]) == ("", None)
    assert "cannot be read" in results[1]["error"]["message"]


def test_the_lines_of_jsonl_are_ascii_whatever_is_in_the_files(tmp_path: Path) -> None:
    """A file's name need not be text in any encoding, and a script's terminal need not be UTF-8."""
    path = tmp_path / os.fsdecode(b"caf\xe9.YAML")
    path.write_text(WEB.read_text().replace("library/web:1", "library/é:1"))
    code, out = akp_sdl("compile", tmp_path, "-o", "jsonl")
    assert (code, out.isascii()) == (0, True)
    assert json.loads(out)["file"] == str(path)
    assert "library/é:1" in json.loads(out)["manifest"]


def test_the_lines_of_jsonl_have_the_keys_a_script_expects(wrong: Path) -> None:
    good, bad = (json.loads(line) for line in akp_sdl("compile", WEB, wrong, "-o", "jsonl")[1].splitlines())
    assert list(good) == ["file", "accept", "version", "groups", "manifest"]
    assert list(bad) == ["file", "accept", "error"]
    assert list(bad["error"]) == ["path", "message", "line"]


def test_compile_standard_input() -> None:
    code, out = akp_sdl("compile", "-", "-o", "jsonl", stdin=WEB.read_text())
    assert (code, json.loads(out)["file"]) == (0, "-")


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for args in (["lint", tmp_path / "nothing.yaml"], ["lint", tmp_path], ["diff", WEB, tmp_path / "nothing.yaml"]):
        with pytest.raises(ConfigError, match="cannot be read"):
            akp_sdl(*args)
    with pytest.raises(ConfigError, match=r"no \*.yaml"):
        akp_sdl("compile", tmp_path)


def test_lint_shows_the_line_and_a_cure(wrong: Path) -> None:
    code, out = akp_sdl("lint", wrong)
    assert code == 1
    first, line, caret, cure = out.splitlines()
    assert first.startswith(f"{wrong}:21:17: error: profiles.compute.web.resources.memory.size: '64Mb' is not a size")
    assert line == "   21 |           size: 64Mb"
    assert caret.index("^") == line.index("64Mb")
    assert cure == "  hint: write 64Mi"


def test_lint_warns_and_accepts() -> None:
    code, out = akp_sdl(
        "lint", "-", stdin=WEB.read_text().replace("count: 1", "count: 1\n      replicas: 2").replace("uact", "uakt")
    )
    assert code == 0
    assert "warning: deployment.web.anywhere.replicas: this key is not read" in out
    assert "uact only" in out
    assert out.splitlines()[-1].startswith("-: accepted: 1 group(s), 1 service(s), 2 warning(s), version ")


def test_lint_of_a_refused_file_tells_of_the_misspelt_key_that_may_be_the_reason() -> None:
    code, out = akp_sdl("lint", "-", stdin=WEB.read_text().replace("        to:\n", "        too:\n"))
    assert code == 1
    assert "error: no service is exposed to the world" in out
    assert "-:11:9: warning: services.web.expose[0].too: this key is not read; was to meant?" in out


def test_lint_shows_a_line_without_what_would_act_on_the_terminal() -> None:
    code, out = akp_sdl("lint", "-", stdin="a: 1\nb: \x1b[31mred\n")
    assert (code, "\x1b" in out) == (1, False)
    assert out.splitlines()[1:] == ["    2 | b: \ufffd[31mred", "           ^"]


@pytest.mark.parametrize("text", ["", "a: [", "\x00", "\ud7ff: é"])
def test_lint_of_what_is_no_sdl(text: str) -> None:
    assert akp_sdl("lint", "-", stdin=text)[0] == 1


def test_diff_of_an_update(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(WEB.read_text().replace("web:1", "web:2"))
    code, out = akp_sdl("diff", WEB, new)
    assert code == 0
    assert "anywhere / web: changed: image docker.io/library/web:1 → docker.io/library/web:2" in out
    assert "can be sent as an update" in out


def test_diff_that_needs_a_new_deployment(tmp_path: Path) -> None:
    new = tmp_path / "new.yaml"
    new.write_text(WEB.read_text().replace("100m", "200m"))
    code, out = akp_sdl("diff", WEB, new)
    assert (code, "this needs a new deployment" in out) == (1, True)


def test_diff_of_the_same_and_of_a_refused_file(wrong: Path) -> None:
    assert "nothing to send" in akp_sdl("diff", WEB, WEB)[1]
    with pytest.raises(ConfigError, match="akp sdl lint"):
        akp_sdl("diff", WEB, wrong)
