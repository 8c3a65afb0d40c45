"""`akp sandbox`: one life in one command, told as text or as JSON; exit code 5 when it does not come to its end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from provider.sandbox.life import STEPS

EXAMPLES = Path(__file__).resolve().parent.parent.parent.parent / "examples"
LIFE = ("--once", "--sdl", EXAMPLES / "01-web.yaml", "--block-time", "0.1", "--patience", "300")
GREEDY = """
version: "2.0"
services:
  web: {image: "docker.io/library/web:1", expose: [{port: 80, to: [{global: true}]}]}
profiles:
  compute: {web: {resources: {cpu: {units: 1}, memory: {size: 64Mi}, storage: {size: 64Mi}}}}
  placement: {here: {pricing: {web: {denom: uact, amount: 1}}}}
deployment: {web: {here: {profile: web, count: 1}}}
"""


def sandbox(*args: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "provider", "sandbox", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_life_as_json_has_exactly_the_nine_steps(tmp_path: Path) -> None:
    done = sandbox(*LIFE, "-o", "json", "--data", tmp_path / "kept")
    assert done.returncode == 0, done.stderr
    timeline = json.loads(done.stdout)
    assert [entry["step"] for entry in timeline] == list(STEPS)
    assert all({"height", "time", "step"} <= entry.keys() for entry in timeline)
    (settled,) = [entry for entry in timeline if entry["step"] == "settled"]
    assert settled["amount"] == settled["ledger"] > 0
    assert (tmp_path / "kept" / "ledger.db").exists(), "--data keeps the ledger"


def test_one_life_as_text_names_every_step() -> None:
    done = sandbox(*LIFE)
    assert done.returncode == 0
    assert done.stdout == "", "the tale goes to the screen, not into a pipe"
    told = [line.split()[0] for line in done.stderr.splitlines() if line.split() and line.split()[0] in STEPS]
    assert told == list(STEPS)
    assert "no container" in done.stderr


def test_a_price_script_of_the_visitors_sets_the_price(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "price.sh"
    script.write_text('#!/bin/sh\necho "7.$(grep -c \'"denom":"uact"\')"\n')
    script.chmod(0o755)
    monkeypatch.setenv("AKP_BID__STRATEGY", "script")
    monkeypatch.setenv("AKP_BID__SCRIPT__PATH", str(script))
    done = sandbox(*LIFE, "-o", "json")
    assert done.returncode == 0, done.stderr
    (bid,) = [entry for entry in json.loads(done.stdout) if entry["step"] == "bid"]
    assert bid["price"] == "7.100000000000000000"


def test_no_bid_is_exit_5_with_the_daemons_reason(tmp_path: Path) -> None:
    (tmp_path / "greedy.yaml").write_text(GREEDY)
    for patience_s in ("2", "20", "200"):  # a slow machine may not even come to the order
        args = ("--block-time", "0.1", "--patience", patience_s, "-o", "json")
        done = sandbox("--once", "--sdl", tmp_path / "greedy.yaml", *args)
        assert done.returncode == 5
        error = json.loads(done.stdout)["error"]
        if "skip." in error:
            break
    assert error.startswith("no bid on order ")
    assert "skip.price.above_max" in error
    assert error in done.stderr


@pytest.mark.parametrize("output", ["text", "json"])
def test_a_refused_sdl_is_exit_5_with_the_line(akp: Callable[..., Any], tmp_path: Path, output: str) -> None:
    (tmp_path / "bad.yaml").write_text(GREEDY.replace("amount: 1}", "amount: -1}"))
    said = akp("sandbox", "--once", "--sdl", tmp_path / "bad.yaml", "-o", output)
    assert said.code == 5
    assert "bad.yaml:" in said.err
    assert (json.loads(said.out)["error"] in said.err) if output == "json" else said.out == ""


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--once",), "--once: no SDL file is given"),
        (("--once", "--sdl", "/no/such/file.yaml"), "/no/such/file.yaml: No such file or directory"),
        (("--cluster", "moon"), "--cluster"),
        (("--block-time", "0"), "--block-time"),
    ],
    ids=["nothing to live", "no file", "no such cluster", "no time"],
)
def test_what_was_typed_wrong_is_exit_2(akp: Callable[..., Any], args: tuple[str, ...], words: str) -> None:
    said = akp("sandbox", *args)
    assert said.code == 2
    assert words in said.err
    assert said.out == ""


def test_staying_ends_with_ctrl_c_and_leaves_nothing(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "provider", "sandbox", "--block-time", "0.1"],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"TMPDIR": str(tmp_path), "PATH": ""},
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "Ctrl-C stops everything" in line:
            break
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=180)
    finally:
        process.kill()
    assert "sandbox stopped, nothing is left of it" in err
    assert "Traceback" not in err
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
