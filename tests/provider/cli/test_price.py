"""`akp price explain` without a network; on the sandbox's market it is held to the daemon in tests/examples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
WEB, GPU, IP = (EXAMPLES / name for name in ("01-web.yaml", "04-gpu.yaml", "06-leased-ip.yaml"))
PRICES = 'currency: uact\nusdPerMonth: {cpu: 2, memoryGiB: 1, storageGiB: {ephemeral: 0}, gpu: {"*": 7}, endpoint: 0}\n'


def test_for_people(akp: Callable[..., Any]) -> None:
    said = akp("price", "explain", "--sdl", WEB)
    assert said.code == 0
    text = said.out
    assert " nodes: the sandbox's" in text
    assert "attributes and audits are taken to be as the order asks" in text
    assert "placed unit 1: 1 on node-1" in text
    assert "price  unit 1 cpu: 0.1 core × 1.6 = 0.16 USD/month" in text
    assert "sum    11.407712uact per block = 6844.627uact per hour = 5000000.169uact per month" in text
    assert "tenant pays at most 10000uact per block" in text
    assert text.rstrip().endswith("answer a bid")


def test_for_machines(akp: Callable[..., Any]) -> None:
    said = akp("price", "explain", "--sdl", GPU, "-o", "json")
    found = json.loads(said.out)
    (group,) = found["groups"]
    assert found["file"] == str(GPU)
    assert group["answer"] == "bid"
    assert {rule["objection"] for rule in group["rules"]} == {None}
    assert group["asks"].startswith("1xnvidia/*,1cpu")
    assert len(group["placement"]) == 2
    assert group["price"]["denom"] == group["ceiling"]["denom"] == "uact"
    assert yaml.safe_load(akp("price", "explain", "--sdl", GPU, "-o", "yaml").out) == found


def test_groups_leave_room_to_those_after_them(akp: Callable[..., Any], tmp_path: Path) -> None:
    nodes = tmp_path / "nodes.yaml"
    nodes.write_text("nodes: [{name: n, cpu: 150m, memory: 1Gi, ephemeral: 1Gi}]\n")
    said = akp("price", "explain", "--sdl", EXAMPLES / "14-two-placements.yaml", "--nodes", nodes, "-o", "json")
    assert said.code == 1
    first, second = json.loads(said.out)["groups"]
    assert (first["answer"], second["answer"]) == ("bid", "skip.capacity.aggregate")
    assert second["detail"] == "needs 100 milli of cpu, 50 are free"


def test_a_no_is_explained_and_has_its_exit_code(akp: Callable[..., Any], tmp_path: Path) -> None:
    nodes = tmp_path / "nodes.yaml"
    nodes.write_text("nodes: [{name: n, cpu: 8, memory: 8Gi, ephemeral: 8Gi}]\n")
    said = akp("price", "explain", "--sdl", IP, "--nodes", nodes)
    assert said.code == 1
    assert "answer no bid, skip.capacity.ip: needs 1 leased IP addresses, 0 are free" in said.out


def test_after_a_rule_says_no_room_and_price_are_shown_all_the_same(akp: Callable[..., Any], tmp_path: Path) -> None:
    sdl = tmp_path / "notice.yaml"
    sdl.write_text((EXAMPLES / "11-reclamation.yaml").read_text().replace("24h", "25h"))
    said = akp("price", "explain", "--sdl", sdl)
    assert said.code == 1
    assert "rule   reclamation: skip.reclaim_window: demands 90000 s" in said.out
    assert "sum    " in said.out
    assert "answer no bid, skip.reclaim_window" in said.out


def test_other_prices_and_nodes(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(PRICES)
    (tmp_path / "nodes.yaml").write_text("nodes: [{name: only, cpu: 1, memory: 1Gi, ephemeral: 1Gi}]\n")
    said = akp(
        "price", "explain", "--sdl", WEB, "--prices", tmp_path / "prices.yaml", "--nodes", tmp_path / "nodes.yaml"
    )
    assert said.code == 0
    assert f"prices {tmp_path}/prices.yaml" in said.out
    assert "placed unit 1: 1 on only" in said.out
    assert "cpu: 0.1 core × 2 = 0.2 USD/month" in said.out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("--sdl", "none.yaml"), "none.yaml: No such file"),
        (("--sdl", str(WEB), "--prices", "none.yaml"), "none.yaml: the price file cannot be read"),
        (("--sdl", str(WEB), "--nodes", "none.yaml"), "none.yaml: No such file"),
        (("--sdl", str(WEB), "--config", "none.yaml"), "none.yaml: No such file"),
        (("--sdl", str(WEB), "--owner", "akash1me"), "OWNER"),
        ((), "Missing option"),
    ],
)
def test_what_cannot_work_is_told(akp: Callable[..., Any], args: tuple[str, ...], words: str) -> None:
    said = akp("price", "explain", *args)
    assert said.code == 2
    assert words in said.err


def test_a_wrong_sdl_is_told_with_its_line(akp: Callable[..., Any], tmp_path: Path) -> None:
    sdl = tmp_path / "x.yaml"
    sdl.write_text("version: '2.0'\nservices: 3\n")
    said = akp("price", "explain", "--sdl", sdl)
    assert said.code == 2
    assert f"{sdl}:2" in said.err
    assert "akp sdl lint" in said.err


def test_the_go_providers_prices_are_read_here_too(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("price_target_cpu: 1.25\n")
    said = akp("price", "from-go", tmp_path / "values.yaml")
    assert said.code == 0
    assert "cpu: 1.25" in said.out


def test_whoever_says_the_price_is_asked(akp: Callable[..., Any], tmp_path: Path) -> None:
    scale = {"currency": "uact", "cpu": "7", "memory": "1", "storage": "0"}
    (tmp_path / "akp.yaml").write_text(json.dumps({"bid": {"strategy": "scale", "scale": scale}}))
    (tmp_path / "nodes.yaml").write_text("nodes: [{name: only, cpu: 1, memory: 1Gi, ephemeral: 1Gi}]\n")
    said = akp(
        "price", "explain", "--sdl", WEB, "--config", tmp_path / "akp.yaml", "--nodes", tmp_path / "nodes.yaml"
    )  # fmt: skip
    assert "prices by bid.strategy scale" in said.out, said.err
    assert "(scale)" in said.out


TENANT = "akash1qyqszqgpqyqszqgpqyqszqgpqyqszqgplgve5x"


def test_a_tenant_with_prices_and_terms_of_his_own(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text(f"{PRICES}owners: {{{TENANT}: {{discountPercent: 20}}}}\n")
    (tmp_path / "policy.yaml").write_text(f"owners: {{deny: {{entries: [{{owner: {TENANT}, reason: miner}}]}}}}\n")
    (tmp_path / "akp.yaml").write_text(json.dumps({"bid": {"policy": str(tmp_path / "policy.yaml")}}))
    (tmp_path / "nodes.yaml").write_text("nodes: [{name: only, cpu: 1, memory: 1Gi, ephemeral: 1Gi}]\n")
    files = ("--prices", tmp_path / "prices.yaml", "--nodes", tmp_path / "nodes.yaml")
    anybody = akp("price", "explain", "--sdl", WEB, *files, "--config", tmp_path / "akp.yaml")
    assert (anybody.code, "discount" in anybody.out) == (0, False), anybody.err
    found = akp("price", "explain", "--sdl", WEB, *files, "--owner", TENANT)
    assert found.code == 0
    assert "discount of the tenant: -20 %" in found.out
    denied = akp("price", "explain", "--sdl", WEB, *files, "--config", tmp_path / "akp.yaml", "--owner", TENANT)
    assert denied.code == 1
    assert "answer no bid, skip.owner_denied: the tenant is denied: " in denied.out


def test_an_entry_of_a_list_that_has_ended_counts_no_more(akp: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(f"owners: {{deny: {{entries: [{{owner: {TENANT}, until: 2020-01-01}}]}}}}\n")
    (tmp_path / "prices.yaml").write_text(PRICES)
    (tmp_path / "akp.yaml").write_text(json.dumps({"bid": {"policy": str(tmp_path / "policy.yaml")}}))
    (tmp_path / "nodes.yaml").write_text("nodes: [{name: only, cpu: 1, memory: 1Gi, ephemeral: 1Gi}]\n")
    said = akp(
        "price", "explain", "--sdl", WEB, "--owner", TENANT, "--config", tmp_path / "akp.yaml",
        "--prices", tmp_path / "prices.yaml", "--nodes", tmp_path / "nodes.yaml",
    )  # fmt: skip
    assert said.code == 0, said.out
