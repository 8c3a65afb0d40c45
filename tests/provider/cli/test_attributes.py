"""Attributes on chain against settings and the embedded cluster, over real sockets."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from manifests.render.crd import definitions
from manifests.resources import Attribute
from provider.chain.messages import CreateProvider
from provider.cluster.api.kube import Kube
from provider.sandbox.cluster import EmbeddedCluster, NodeSpec
from provider.settings import ClusterSettings

_CARD = "akash.network/capabilities.gpu.vendor.nvidia.model.t4"
_GPU = "capabilities/gpu/vendor/nvidia/model/t4"
_NODE = NodeSpec(
    "gpu", cpu_milli=8000, memory_bytes=1 << 34, ephemeral_bytes=1 << 38, gpus=2,
    labels={_CARD: "2", f"{_CARD}.ram.16Gi": "2", f"{_CARD}.interface.pcie": "2"},
)  # fmt: skip


@pytest.fixture
def kubeconfig() -> Iterator[str]:
    """A cluster in a thread of its own: commands have their own loop."""
    up, found = threading.Event(), list[str]()
    loop, stop = asyncio.new_event_loop(), asyncio.Event()

    async def live() -> None:
        async with EmbeddedCluster((_NODE,)) as cluster:
            async with Kube.connect(ClusterSettings(kubeconfig=cluster.kubeconfig)) as kube:
                for definition in definitions():
                    await kube.apply(definition)
            found.append(str(cluster.kubeconfig))
            up.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(live(),), daemon=True)
    thread.start()
    assert up.wait(600), "the cluster did not come up"
    yield found[0]
    loop.call_soon_threadsafe(stop.set)
    thread.join(600)
    loop.close()


@pytest.fixture
def registered(chain_town: Any) -> Any:
    attributes = (Attribute("region", "us-east"), Attribute("tier", "community"))
    chain_town.does(
        chain_town.owner, CreateProvider(chain_town.owner.address, "https://p.test:8443", attributes, "e@p")
    )
    return chain_town


def on_chain(town: Any) -> dict[str, str]:
    record = town.ask(lambda query: query.provider_record(town.owner.address))
    assert (record.host_uri, record.email) == ("https://p.test:8443", "e@p"), "the rest of the record stays"
    return {a.key: a.value for a in record.attributes}


def test_drift_is_shown_synced_and_gone(akp: Callable[..., Any], registered: Any, kubeconfig: str) -> None:
    config = registered.config(
        cluster={"kubeconfig": kubeconfig, "storage": {"beta3": "1Ti"}},
        provider={"attributes": {"region": "us-west", "host": "akash"}},
    )
    before = on_chain(registered)
    said = akp("attributes", "diff", "--config", config)
    assert said.code == 4, said.err
    assert "~ region=us-west (chain: us-east)" in said.out
    assert "+ host=akash" in said.out
    assert f"+ {_GPU}/ram/16Gi/interface/pcie=true" in said.out
    assert "tier=community stands only on chain" in said.out
    look = akp("attributes", "sync", "--config", config, "--dry-run")
    assert (look.code, "MsgUpdateProvider" in look.out) == (0, True), look.err
    assert on_chain(registered) == before
    synced = akp("attributes", "sync", "--config", config, "--yes")
    assert synced.code == 0, synced.err
    after = on_chain(registered)
    assert after["region"] == "us-west"
    assert after["tier"] == "community"
    assert {f"{_GPU}{tail}" for tail in ("", "/ram/16Gi", "/interface/pcie")} <= after.keys()
    classes = {v for k, v in after.items() if k.startswith("capabilities/storage/") and k.endswith("/class")}
    assert classes == {"beta3", "default", "ram"}
    again = akp("attributes", "diff", "--config", config, "-o", "json")
    assert (again.code, json.loads(again.out)["drift"]) == (0, False)
    pruned = akp("attributes", "sync", "--config", config, "--yes", "--prune")
    assert pruned.code == 0, pruned.err
    assert "tier" not in on_chain(registered)


def test_the_operators_words_alone_need_no_cluster(akp: Callable[..., Any], registered: Any) -> None:
    words = {"attributes": {"region": "us-east"}, "publish_capabilities": False}
    said = akp("attributes", "diff", "--config", registered.config(provider=words))
    assert said.code == 0, said.err
    idle = akp("attributes", "sync", "--config", registered.config(provider=words), "--yes")
    assert (idle.code, "nothing to change" in idle.out) == (0, True)


def test_nobody_registered(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp("attributes", "diff", "--config", chain_town.config())
    assert (said.code, "akp chain provider create" in said.err) == (1, True)
