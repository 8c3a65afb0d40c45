"""The official TypeScript SDK lives a tenant's whole life on the sandbox chain, over gRPC, CometBFT's RPC and REST.

What it says it saw is held against the chain's own state, and the hash it computes against our compiler's.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from e2e import sdk
from manifests.sdl import compile_sdl
from provider.chain.keys import Key
from provider.chain.wire import message
from provider.sandbox.chain.genesis import ESCROW, Genesis
from provider.sandbox.chain.node import Node

TENANT = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
PROVIDER = "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong"
LIFE = Path(sdk.__file__).parent / "life.mjs"
SDL = Path(__file__).resolve().parent.parent.parent / "examples" / "01-web.yaml"
RICH = 10**12
DSEQ, PRICE_E18 = 77, 25 * 10**17


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """In a folder where Node finds the packages: they are not in the checkout."""
    try:
        (tmp_path / "node_modules").symlink_to(sdk.installed() / "node_modules")
    except sdk.SdkMissing as missing:
        pytest.skip(f"no TypeScript SDK here: {missing}")
    return Path(shutil.copy(LIFE, tmp_path))


async def test_the_official_sdk_lives_a_tenants_whole_life(script: Path) -> None:
    tenant, provider = (Key.from_mnemonic(words).address for words in (TENANT, PROVIDER))
    genesis = Genesis.default({who: {"uakt": RICH, "uact": RICH} for who in (tenant, provider)})
    async with Node(genesis, block_time_s=0.1, virtual_block_time_s=6) as node:
        doors = {"rpc": node.rpc_url, "grpc": node.grpc_url, "rest": node.rest_url}
        order = {"tenant": TENANT, "provider": PROVIDER, "sdl": str(SDL), "dseq": str(DSEQ), "price": "2.5"}
        steps = await lived(script, doors | order)

    assert list(steps) == [
        *("provider", "certificate", "deployment", "bids", "lease", "deposit", "withdrawal", "close", "again")
    ]
    assert (steps["provider"]["address"], steps["deployment"]["address"]) == (provider, tenant)
    assert steps["certificate"] == {"published": 1, "same": True}
    assert steps["deployment"]["hash"] == compile_sdl(SDL.read_bytes()).version.hex()
    assert steps["deployment"]["orders"] == [{"owner": tenant, "dseq": str(DSEQ), "gseq": 1, "oseq": 1}]
    assert steps["bids"]["bids"] == [{"provider": provider, "price": {"denom": "uact", "amount": "2.5"}}]
    assert steps["deposit"]["funds"] == [{"denom": "uact", "amount": "6000000"}]
    assert steps["close"]["closed"] == [str(DSEQ)]
    assert "Deployment closed" in steps["again"]["refused"]

    i = {"owner": tenant, "dseq": DSEQ, "gseq": 1, "oseq": 1, "provider": provider}
    found = ask(node, "akash.market.v1beta5.Query/Lease", id=i)
    assert (found.lease.state, int(found.lease.price.amount)) == (3, PRICE_E18)
    paid = int(found.escrow_payment.state.withdrawn.amount)
    assert steps["close"]["lease"]["withdrawn"] == {"denom": "uact", "amount": str(paid)}
    first = int(steps["withdrawal"]["lease"]["withdrawn"]["amount"])
    assert 0 < first < paid, "a withdrawal by the way, and the rest at the close"
    assert paid <= (found.lease.closed_on - found.lease.created_at) * PRICE_E18 // 10**18
    assert (balance(node, tenant), balance(node, provider), balance(node, ESCROW)) == (RICH - paid, RICH + paid, 0)


async def lived(script: Path, order: dict[str, str]) -> dict[str, Any]:
    """step -> what was seen, in the order of the steps."""
    process = await asyncio.create_subprocess_exec(
        "node", str(script), json.dumps(order), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    told, trouble = await process.communicate()
    assert process.returncode == 0, f"{told.decode()}\n{trouble.decode()}"
    lines = [json.loads(line) for line in told.decode().splitlines()]
    return {line.pop("step"): line for line in lines}


def ask(node: Node, method: str, **fields: Any) -> Any:
    service, _, name = method.rpartition("/")
    return node.app.query(f"/{method}", message(f"{service.rpartition('.')[0]}.Query{name}Request")(**fields))


def balance(node: Node, address: str) -> int:
    return int(ask(node, "cosmos.bank.v1beta1.Query/Balance", address=address, denom="uact").balance.amount)
