"""The suite for any node (test_node.py) passes on the sandbox chain, over real sockets and in a process of its own; and
without its variables it is skipped by name."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from provider.chain.keys import Key
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node

ROOT = Path(__file__).resolve().parents[2]
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


async def suite(**variables: str) -> tuple[int, str]:
    """Exit code and output."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AKP_E2E", "PYTEST_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pytest", "-v", "-rs", "-p", "no:xdist", "e2e/tests/test_node.py", cwd=ROOT,
        env={**clean, **variables}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()


async def test_it_passes_on_the_sandbox_chain_and_leaves_nothing_open() -> None:
    provider, tenant = (Key.from_mnemonic(WORDS, n).address for n in (0, 1))
    genesis = Genesis.default(
        {provider: {"uakt": 10**8}, tenant: {"uakt": 10**8, "uact": 10**7}}, genesis_time_unix_ns=time.time_ns()
    )
    async with Node(genesis, block_time_s=0.3, virtual_block_time_s=2.0) as node:
        code, said = await suite(AKP_E2E_NODE=f"{node.rpc_url},{node.grpc_url}", AKP_E2E_MNEMONIC=WORDS)
    assert code == 0, said
    assert "7 passed" in said
    assert "skipped" not in said


async def test_without_its_variables_it_is_skipped_by_name() -> None:
    code, said = await suite()
    assert code == 0, said
    assert "7 skipped" in said
    assert "AKP_E2E_NODE=rpc,grpc and AKP_E2E_MNEMONIC" in said
