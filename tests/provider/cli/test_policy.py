"""`akp policy` as an operator uses it, on files in a directory."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from manifests.bech32 import encode
from provider.cli.policy import app
from provider.errors import ConfigError

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
WEB = EXAMPLES / "01-web.yaml"
ANN, BOB = encode("akash", b"\1" * 20), encode("akash", b"\2" * 20)

Akp = Callable[..., tuple[int, str]]


@pytest.fixture
def akp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Akp:
    """Runs the command over policy.yaml in a directory of its own."""
    monkeypatch.setenv("AKP_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("AKP_BID__POLICY", str(tmp_path / "policy.yaml"))
    (tmp_path / "deny.txt").write_text("# whom we do not serve\n")
    (tmp_path / "policy.yaml").write_text("owners: {deny: {files: [deny.txt]}}\n")

    def run(*args: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(a) for a in args])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout

    return run


def test_an_sdl_nothing_speaks_against(akp: Akp) -> None:
    code, out = akp("test", "--sdl", WEB)
    assert (code, out) == (0, f"{WEB}: the policy has nothing against it\n")


def test_each_rule_that_refuses_an_sdl_is_told(akp: Akp, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        "{orderAttributes: {tier: x}, limits: {unit: {cpuMilli: {max: 50}}}, images: {deny: [docker.io]},"
        f" owners: {{allow: {{entries: [{{owner: {BOB}}}]}}}}}}"
    )
    code, out = akp("test", "--sdl", WEB, "-o", "json")
    told = json.loads(out)
    assert (code, told["accept"]) == (1, False)
    codes = [each["code"] for each in told["refused"]]
    assert codes == ["skip.policy.order_attributes", "skip.policy.limits", "image"]
    code, out = akp("test", "--sdl", WEB, "--owner", ANN)
    assert code == 1
    assert "group anywhere: skip.owner_not_allowed: the tenant is on no list" in out
    assert "group anywhere: image: service 'web': the image" in out
    assert "skip.owner" not in akp("test", "--sdl", WEB, "--owner", BOB)[1]


def test_a_tenant_is_denied_for_a_time_and_let_in_again(akp: Akp, tmp_path: Path) -> None:
    before = int(time.time())
    code, out = akp("deny", ANN, "--for", "30d", "--reason", "miner # again")
    assert code == 0
    assert out.startswith(f"{ANN} is denied until ")
    (tenant,) = json.loads(akp("list", "-o", "json")[1])
    assert (tenant["list"], tenant["owner"], tenant["holds"]) == ("deny", ANN, True)
    assert (tenant["reason"], tenant["source"]) == ("miner # again", str(tmp_path / "deny.txt"))
    assert akp("test", "--sdl", WEB, "--owner", ANN)[0] == 1
    akp("deny", ANN)
    (tenant,) = json.loads(akp("list", "-o", "json")[1])
    assert tenant["until"] is None, "the new entry takes the place of the old one"
    assert akp("allow", ANN) == (0, f"{ANN} is not denied\n")
    assert (tmp_path / "deny.txt").read_text() == "# whom we do not serve\n"
    assert int(time.time()) >= before


def test_where_only_listed_tenants_are_served_allow_lists_them(akp: Akp, tmp_path: Path) -> None:
    (tmp_path / "allow.txt").write_text("# nobody yet\n")
    (tmp_path / "policy.yaml").write_text("owners: {deny: {files: [deny.txt]}, allow: {files: [allow.txt]}}")
    akp("deny", ANN)
    assert akp("allow", ANN) == (0, f"{ANN} is not denied, and is allowed\n")
    assert (tmp_path / "allow.txt").read_text() == f"# nobody yet\n{ANN}\n"
    assert "allow" in akp("list")[1]


def test_who_is_denied_elsewhere_stays_denied_and_it_is_said(akp: Akp, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(
        f"owners: {{deny: {{files: [deny.txt], entries: [{{owner: {ANN}, reason: fraud}}]}}}}"
    )
    code, out = akp("allow", ANN)
    assert code == 1
    assert out == f"{ANN} is still denied: fraud, listed in the policy file\n"


def test_entries_that_are_over_and_lists_never_loaded_are_shown_as_such(akp: Akp, tmp_path: Path) -> None:
    (tmp_path / "deny.txt").write_text(f"{ANN} 2020-01-01\n")
    (tmp_path / "policy.yaml").write_text(
        "owners: {deny: {files: [deny.txt], urls: [{url: 'https://lists.test/deny?token=x'}]}}"
    )
    out = akp("list")[1]
    assert "2020-01-01T00:00:00Z (over)" in out
    assert "https://lists.test/deny: never loaded" in out


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("deny", "akash1nobody"), "OWNER: 'akash1nobody' has a character"),
        (("deny", ANN, "--for", "a while"), "--for: 'a while' is not a period"),
        (("allow", "x"), "OWNER: "),
        (("test", "--sdl", "none.yaml"), "none.yaml: the file cannot be read"),
        (("test", "--sdl", WEB, "--owner", "x"), "OWNER: "),
        (("list", "--policy", "none.yaml"), "none.yaml: the policy file cannot be read"),
    ],
)
def test_bad_input_is_told_with_its_cure(akp: Akp, args: tuple[Any, ...], told: str) -> None:
    with pytest.raises(ConfigError) as bad:
        akp(*args)
    assert str(bad.value).startswith(told)


def test_without_a_policy_or_a_file_to_write_to_the_operator_is_told(
    akp: Akp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "policy.yaml").write_text("{}")
    with pytest.raises(ConfigError, match=r"owners\.deny\.files names no file to write to"):
        akp("deny", ANN)
    monkeypatch.delenv("AKP_BID__POLICY")
    with pytest.raises(ConfigError, match="no policy file is named"):
        akp("list")


def test_a_list_with_a_mistake_is_not_made_longer(akp: Akp, tmp_path: Path) -> None:
    (tmp_path / "deny.txt").write_text("everybody\n")
    with pytest.raises(ConfigError, match="line 1"):
        akp("deny", ANN)
    assert (tmp_path / "deny.txt").read_text() == "everybody\n"
