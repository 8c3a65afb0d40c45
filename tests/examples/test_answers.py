"""What `akp price explain` says is what the daemon does: every example is bid on at exactly that price, or declined
with that code; and of the codes, each that an order can bring about is brought about.

One network serves all: the tenant posts, the daemon answers on chain and in its ledger.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bidengine.reasons import Decline
from manifests.coins import Coin, DecCoin, format_decimal
from manifests.ids import DeploymentID, OrderID
from manifests.sdl import Compiled, compile_sdl
from provider.cli.ground import ground
from provider.cli.imagined import sandbox_inventory
from provider.cli.price import Answer, answered
from provider.errors import Retry
from provider.ledger.decisions import Decisions, OrderRow
from provider.ledger.store import Store
from provider.sandbox.network import PRICES, Network, network
from provider.sandbox.town import living

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.yaml"))
TEXTS = {path.stem: path.read_text() for path in EXAMPLES}
DEPOSIT = Coin("uact", 50_000_000)
NOBODY = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"


async def explained(net: Network, compiled: Compiled) -> list[Answer]:
    async with ground(net.settings.data / "akp.yaml") as on:
        return await answered(compiled, on)


async def posted(net: Network, compiled: Compiled, dseq: int) -> list[OrderRow]:
    """What the daemon's ledger says of each group's order, as soon as it says something."""
    await net.tenant.post(compiled, dseq, DEPOSIT)
    deployment = DeploymentID(net.tenant.key.address, dseq)
    async with Store.open(net.ledger, readonly=True) as store:
        for _ in range(3600):
            rows = [row for row in await Decisions(store).orders() if row.order.deployment == deployment]
            if len(rows) == len(compiled.groups) and all(row.outcome for row in rows):
                return sorted(rows, key=lambda row: row.order)
            await asyncio.sleep(0.05)
    raise AssertionError(f"the ledger says nothing of {deployment}")


@asynccontextmanager
async def selling(net: Network) -> AsyncIterator[None]:
    """With a daemon that has labelled every node and knows of it: from then on all of them are sold."""
    cards = float(sum(sum(node.gpus.values()) for node in sandbox_inventory().nodes))
    async with living(net) as running, httpx.AsyncClient(trust_env=False, timeout=180) as http:
        for _ in range(3600):
            page = (await http.get(f"http://127.0.0.1:{running.health_port}/metrics")).text
            if f'akp_free{{resource="gpu"}} {cards}\n' in page:
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError(f"not all of {cards} cards are sold")
        yield


async def bid_on_chain(net: Network, order: OrderID) -> DecCoin:
    """The price of the one bid; the ledger knows of it a block before the chain shows it."""
    for _ in range(3600):
        with suppress(Retry):
            if bids := await net.chain.latest.bids_on(order):
                (bid,) = bids
                return bid.price
        await asyncio.sleep(0.05)
    raise AssertionError(f"no bid on {order}")


UNSERVED = "13-confidential"
"""It wants trusted execution environments, which there are not."""

APART = "12-signed-by"
"""It wants other values of attributes that the rest wants too, and a provider has one."""


@pytest.mark.parametrize(
    ("names", "minimum"),
    [(set(TEXTS) - {APART, UNSERVED}, 5), (set(TEXTS) - {APART, UNSERVED}, 0), ({APART}, 5)],
    ids=["the sandbox's prices", "without a minimum, where each part counts", "with other attributes"],
)
async def test_examples_are_bid_on_at_the_price_that_is_explained(
    tmp_path: Path, names: Collection[str], minimum: int
) -> None:
    compiled = {name: compile_sdl(text) for name, text in TEXTS.items() if name in names}
    asked = [group for one in compiled.values() for group in one.groups]
    async with network(tmp_path, block_s=0.1, asked=asked) as net:
        (tmp_path / "prices.yaml").write_text(PRICES.replace("Month: 5", f"Month: {minimum}"))
        async with selling(net):
            for dseq, (name, one) in enumerate(compiled.items(), 1):
                played = net.played(one)
                answers = await explained(net, played)
                for answer, row in zip(answers, await posted(net, played, dseq), strict=True):
                    found = answer.judged.answer
                    assert not isinstance(found, Decline), (name, found, row.outcome)
                    price = await bid_on_chain(net, row.order)
                    assert (name, price) == (name, found[1].per_block)
                    assert row.price_e18 == price.amount_e18


async def test_the_command_says_the_same_in_a_process_of_its_own(tmp_path: Path) -> None:
    one = compile_sdl(TEXTS["04-gpu"])
    async with network(tmp_path, block_s=0.1, asked=one.groups) as net, selling(net):
        args = ("price", "explain", "--sdl", str(EXAMPLES[3]), "--config", str(tmp_path / "akp.yaml"), "-o", "json")
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "provider", *args, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await process.communicate()
        (row,) = await posted(net, one, 1)
        price = await bid_on_chain(net, row.order)
    assert process.returncode == 0
    (group,) = json.loads(out)["groups"]
    assert group["price"]["per_block"] == format_decimal(price.amount_e18)
    assert group["placement"] == [
        "unit 1: 1 on gpu-h100 with nvidia/h100/80Gi/sxm", "unit 2: 1 on gpu-a100 with nvidia/a100/80Gi/sxm",
    ]  # fmt: skip


def changed(name: str, *pairs: tuple[str, str]) -> str:
    """An example with one thing changed; the change must be there to be made."""
    text = TEXTS[name]
    for old, new in pairs:
        text, times = re.subn(old, new, text, count=1, flags=re.MULTILINE)
        assert times, old
    return text


PLACEMENT = "^    anywhere:$"
DEAR_T4 = '{cpu: 0.30, memoryGiB: 0.05, gpu: {nvidia/t4: 4000, "*": 40,'
CASES = {
    "skip.attributes": changed("01-web", (PLACEMENT, "    anywhere:\n      attributes: {region: moon}")),
    "skip.audit_signature": changed(
        "01-web", (PLACEMENT, f"    anywhere:\n      signedBy: {{anyOf: [{NOBODY}]}}")
    ),
    "skip.capability": changed("04-gpu", ("model: h100", "model: v100"), ("model: a100", "model: v100")),
    "skip.tee": changed("01-web", (PLACEMENT, "    anywhere:\n      attributes: {tee/type: cpu}")),
    "skip.reclaim_window": changed("11-reclamation", ("24h", "25h")),
    "skip.policy.volumes": changed(
        "01-web",
        ("          size: 128Mi", "".join(f"          - {{name: v{n}, size: 5Mi}}\n" for n in range(5)).rstrip()),
    ),
    "skip.capacity.aggregate": changed("01-web", ("size: 64Mi", "size: 512Gi"), ("count: 1", "count: 20")),
    "skip.capacity.node_fit": changed("01-web", ("units: 100m", "units: 200")),
    "skip.capacity.cpu_on_gpu_node": changed("01-web", ("units: 100m", "units: 100")),
    "skip.capacity.gpu_model": changed("04-gpu", ("count: 1", "count: 9")),
    "skip.capacity.storage_class": changed("03-persistent-storage", ("size: 1Gi", "size: 11Ti")),
    "skip.capacity.ip": TEXTS["06-leased-ip"],
    "skip.capacity.nodeport": TEXTS["08-node-ports-udp"],
    "skip.price.no_rate": changed("03-persistent-storage", ("class: beta2", "class: beta1")),
    "skip.price.below_floor": changed(
        "04-gpu", ("^ +- model: a100\n.*\n.*\n", ""), ("model: h100", "model: t4")
    ),
    "skip.price.above_max": changed("01-web", ("amount: 10000", "amount: 11.4")),
}  # fmt: skip


async def test_each_code_that_an_order_can_bring_about(tmp_path: Path) -> None:
    """The provider has one node port, no address to lease, no price for the storage class beta1, cards that cost more
    than they earn, and keeps cores for its cards."""
    async with network(tmp_path, block_s=0.1) as made:
        cluster = made.settings.cluster.model_copy(update={"node_ports": 1, "leased_ips": 0})
        bid = made.settings.bid.model_copy(update={"packing": "protect-gpu"})
        net = replace(made, settings=made.settings.model_copy(update={"cluster": cluster, "bid": bid}))
        config = json.loads((tmp_path / "akp.yaml").read_text())
        config["cluster"] |= {"node_ports": 1, "leased_ips": 0}
        config["bid"]["packing"] = "protect-gpu"
        (tmp_path / "akp.yaml").write_text(json.dumps(config))
        prices = PRICES.replace("beta1: 0.01, ", "").replace('{cpu: 0.30, memoryGiB: 0.05, gpu: {"*": 40,', DEAR_T4)
        (tmp_path / "prices.yaml").write_text(prices)
        found, told = {}, {}
        async with selling(net):
            for dseq, (code, text) in enumerate(CASES.items(), 1):
                compiled = compile_sdl(text)
                (answer,) = await explained(net, compiled)
                told[code] = answer.judged.no.code if answer.judged.no is not None else "bid"
                (row,) = await posted(net, compiled, dseq)
                found[code] = row.outcome
    assert found == {code: code for code in CASES}
    assert told == found
