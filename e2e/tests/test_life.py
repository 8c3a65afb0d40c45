"""The whole life of examples/01 on a real control plane and node: a page is served, a log read, a command run."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from e2e.lives import PATIENCE_S, Visit
from manifests.coins import Coin
from manifests.ids import LeaseID, lease_namespace
from manifests.sdl import compile_sdl
from provider.cluster.api.kinds import NAMESPACE, POD
from provider.errors import NotFound
from provider.sandbox.life import STEPS, Life, Surroundings
from provider.sandbox.network import network
from provider.sandbox.town import living

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("kubelet")]
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "01-web.yaml"


async def test_a_tenants_page_is_served_by_a_real_pod(real_node: Path, tmp_path: Path) -> None:
    seen: dict[str, Any] = {}

    async with network(tmp_path, where=real_node, block_s=0.5) as net, living(net) as daemon:

        async def look(step: dict[str, Any]) -> None:
            if step["step"] == "lease":
                seen["lease"] = LeaseID.parse(step["leases"][0])
            if step["step"] == "ready":
                lease = seen["lease"]
                async with await net.tenant.gateway(lease.provider) as gateway:
                    seen.update(await _visit(Visit(net, daemon, cast(Any, None), gateway, lease)))

        around = Surroundings(net.chain, net.kube, net.ledger, net.why_no_bid)
        compiled = net.played(compile_sdl(EXAMPLE.read_bytes()))
        life = Life(
            net.tenant, around, compiled, dseq=1, deposit=Coin("uact", 5_000_000), patience_s=PATIENCE_S,
            on_step=look,
        )  # fmt: skip
        timeline = await life.run()

        assert tuple(step["step"] for step in timeline) == STEPS
        assert seen["page"] == "hello\n"
        assert "web is listening on 8080" in seen["log"]
        assert seen["said"] == f"{seen['lease'].owner} 42\n"
        settled = timeline[STEPS.index("settled")]
        assert settled["amount"] == settled["ledger"] == settled["leases"][0]["owed"] > 0
        with pytest.raises(NotFound):
            await net.kube.get(NAMESPACE, None, lease_namespace(seen["lease"]))


async def _visit(visit: Visit) -> dict[str, Any]:
    """What the tenant's own pod answers, says and does."""
    (pod,) = await visit.pods("web")
    # By way of the API server, whose refusal would be an exception: pods of kind have no address that leads here.
    path = POD.path(visit.namespace, pod["metadata"]["name"] + ":8080", "proxy/")

    async def page() -> bytes:
        async with visit.net.kube.stream(path, [], quiet_s=PATIENCE_S) as answer:
            return await answer.chunk()

    return {
        "page": (await visit.until("a page", page)).decode(),
        "said": await visit.said("web", "echo $AKASH_OWNER $((6 * 7))"),
        "log": await visit.log("web", "web is listening on 8080"),
    }
