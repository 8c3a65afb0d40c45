"""`akp leases list` and `show` over a whole life, beside a running daemon."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from manifests.ids import LeaseID
from provider.cli.lease_conditions import which
from provider.errors import ConfigError
from provider.sandbox.town import living

A, B, C = (LeaseID(f"akash1{who}", dseq, 1, 1, "akash1us") for who, dseq in (("a", 7), ("b", 7), ("c", 8)))


def test_where_a_lease_stands_through_its_life(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path, until: Any
) -> None:
    config = tmp_path / "akp.yaml"
    said: dict[str, Any] = {}

    async def live() -> str:
        async with in_town() as town, living(town.net):
            lease = str(town.our_lease())

            async def ask(entry: dict[str, Any]) -> None:
                if entry["step"] == "ready":
                    await until("all is met", met)
                if entry["step"] in ("lease", "ready", "clean"):
                    for name, args in {"show": ("show", lease), "list": ("list",)}.items():
                        said[entry["step"], name] = await told(*args)

            async def told(*args: str) -> Any:
                return await asyncio.to_thread(akp, "leases", *args, "--config", config, "-o", "json")

            async def met() -> bool:
                return bool((await told("show", lease)).code == 0)

            await town.life(on_step=ask).run()
            return lease

    lease = asyncio.run(live())
    assert said["lease", "show"].code == 1
    first = json.loads(said["lease", "show"].out)
    assert (first["lease"], first["state"]) == (lease, "active")
    assert first["conditions"][0]["reason"] == "NoManifest"
    assert said["ready", "show"].code == 0
    found = {c["condition"]: c["status"] for c in json.loads(said["ready", "show"].out)["conditions"]}
    assert set(found.values()) == {"True"}
    (row,) = json.loads(said["ready", "list"].out)
    assert (row["lease"], row["state"], row["condition"]) == (lease, "active", "all met")
    last = json.loads(said["clean", "show"].out)
    assert last["state"] == "over"
    assert last["conditions"][-1]["reason"] == "NothingLeft"
    assert json.loads(said["clean", "list"].out) == []


async def test_without_the_chain_the_cluster_still_tells(
    akp: Callable[..., Any], in_town: Callable[..., Any], tmp_path: Path
) -> None:
    config = tmp_path / "akp.yaml"
    async with in_town():
        values = json.loads(config.read_text())
        values["chain"]["nodes"] = [{"rpc": "http://127.0.0.1:1", "grpc": "http://127.0.0.1:1"}]
        config.write_text(json.dumps(values))
        said = await asyncio.to_thread(akp, "leases", "list", "--config", config)
    assert said.code == 0
    assert "the chain cannot be reached" in said.err
    assert "there are no leases" in said.err


@pytest.mark.parametrize(("text", "lease"), [(str(A), A), ("8", C), ("akash1z/9/1/1/akash1us", None)])
def test_which_lease_is_meant(text: str, lease: LeaseID | None) -> None:
    assert which(text, [A, B, C]) == (lease or LeaseID("akash1z", 9, 1, 1, "akash1us"))


@pytest.mark.parametrize(("text", "why"), [("7", "dseq of 2 leases"), ("9", "no lease 9"), ("web", "no lease web")])
def test_which_lease_is_not_clear(text: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        which(text, [A, B, C])
