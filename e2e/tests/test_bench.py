"""The benchmarks run: they are not used every day, and the parts of the daemon that they put together change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from bidengine.packing import Strategy
from e2e.bench import catchup, leases, ledger, pack, screen
from manifests.render.crd import definitions
from provider.sandbox.cluster import EmbeddedCluster
from provider.sandbox.cluster.kinds import DEFINITIONS, NAMESPACES
from provider.sandbox.cluster.objects import Write
from provider.settings import ClusterSettings

ROOT = Path(__file__).resolve().parents[2]


async def test_ordinary_orders_are_considered_and_others_are_declined() -> None:
    found = await screen.run(20, 1)
    assert found["answers"] == {"considered": 16, "skip.audit_signature": 2, "skip.owner_denied": 2}


def test_orders_are_placed_and_every_one_is_counted() -> None:
    found = pack.measure(Strategy.BEST_FIT, nodes=16, leases=4, orders=30, seed=1)
    assert found["gpus"] == 16 * 8
    assert found["fits"] + sum(found["declines"].values()) == 30


async def test_the_ledger_writes_what_changed_and_nothing_for_each_lease() -> None:
    few, many = [await ledger.run(leases, 100, 1) for leases in (60, 300)]
    assert few["ledger_equals_chain"]
    assert many["ledger_equals_chain"]
    assert few["faults"] == many["faults"] == []
    assert few["rows_per_1000_blocks"] == many["rows_per_1000_blocks"]
    assert 0 < few["rss_mib"]["before"] <= few["rss_mib"]["peak"]


async def test_every_block_is_caught_up_with_and_the_rivals_orders_come_and_go() -> None:
    found = await catchup.catch_up(101)
    assert (found["blocks"], found["transactions"]) == (100, 78)
    assert found["orders_left"] == 1


async def test_a_lease_costs_few_calls_an_idle_one_none_and_a_restart_changes_nothing() -> None:
    """Of what is asked for a first deployment nothing is a list but of its claims (kubernetes.md §2.13); the Go
    provider asks 19 times a minute for each lease that does nothing (go-baseline.md)."""
    async with EmbeddedCluster(ready_after_s=0.0, stop_after_s=0.0) as server:
        for definition in definitions():
            server.objects.create(DEFINITIONS, "", definition, Write(manager="test"))
        server.objects.create(NAMESPACES, "", {"metadata": {"name": "lease"}}, Write(manager="test"))
        settings = ClusterSettings(
            kubeconfig=server.kubeconfig, ingress_domain="in.example", public_hostname="p.example",
            storage={"beta2": "1Ti"},
        )  # fmt: skip
        found = await leases.run(settings, 4, idle_s=1.0)
    assert found["create"]["calls_per_lease"] <= 12
    assert found["update"]["calls_per_lease"] <= 12
    assert found["calls_idle"] == 0
    restart = found["restart"]
    assert restart["calls_per_lease"] <= 16
    assert restart["objects_changed"] == 0
    assert restart["inventory_equal_at_once"]
    assert restart["inventory_equal_after"]
    assert found["close"]["calls_per_lease"] <= 12
    assert found["holds_left"] == 0


def test_the_command_knows_its_subjects() -> None:
    done = subprocess.run([sys.executable, "-m", "e2e.bench"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [
        "catchup", "leases", "ledger", "orders", "pack", "screen", "sdl",
    ]  # fmt: skip
