"""JSON-RPC as a real node answered it (recorded), served by a small node on loopback."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provider.chain.comet import Comet, NoLonger, NotYet, parse_time
from provider.errors import ConfigError, Retry, Unreachable

NOBODY = "http://127.0.0.1:1"
Start = Callable[..., Any]


def header(height: int) -> dict[str, Any]:
    return {"chain_id": "sandbox", "height": str(height), "time": f"2026-11-21T00:00:{height:02d}.5Z"}


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:01Z", 10**9),
        ("2026-11-21T00:37:14.965051123Z", 1795221434965051123),
        ("2026-11-21T00:37:14.5Z", 1795221434500000000),
    ],
)
def test_times_keep_their_nanoseconds(text: str, ns: int) -> None:
    assert parse_time(text) == ns


@pytest.mark.parametrize(
    "text", ["", "2026-11-21T00:37:14", "2026-11-21T00:37:14.1234567890Z", "2026-11-21T00:37:14.Z", "x"]
)
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


async def test_a_recorded_block_and_its_results(rpc_node: Start, lines: Any, rpc_of: Any) -> None:
    recorded = {}
    for line in lines("S9-queries", "rpc"):
        r = line["rpc"]
        recorded.setdefault((r["method"], r["params"].get("height")), r)
    node = await rpc_node(chain_id="local")
    node.answers["status"] = {"result": recorded["status", None]["result"]}
    node.answers["block"] = {"result": recorded["block", "23"]["result"]}
    node.answers["block_results"] = {"result": recorded["block_results", "23"]["result"]}
    async with Comet(rpc_of(node.address), "local") as comet:
        status = await comet.status()
        assert (status.height, status.earliest, status.catching_up) == (24, 1, False)
        block = await comet.block(23)
    assert block.tx_hashes == ("3AE791D1D2F904E9601D761E9ABBDA058A44E3F4B9B0927F5112D88A4F9989E8",)
    assert block.time_unix_ns == parse_time("2026-11-21T00:37:13.960706955Z")
    assert block.hash.startswith("BFD5B8E1")
    assert block.previous_hash.startswith("4AEB065C")
    assert block.tx_results[0]["gas_used"] == "90703"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        ("could not find results for height #1365", NotYet),
        ("height 1000000 must be less than or equal to the current blockchain height 24", NotYet),
        ("height 5 is not available, lowest height is 77", NoLonger),
        ("height must be greater than 0, but got 0", Retry),
        ("something else", Retry),
    ],
)
async def test_an_error_is_told_apart_by_its_words(rpc_node: Start, data: str, error: type, rpc_of: Any) -> None:
    node = await rpc_node()
    node.answers["block"] = {"result": {"block": {"header": header(5)}}}
    node.answers["block_results"] = {"error": {"code": -32603, "message": "Internal error", "data": data}}
    async with Comet(rpc_of(node.address), "sandbox") as comet:
        with pytest.raises(error) as caught:
            await comet.block(5)
        assert type(caught.value) is error
        if isinstance(caught.value, NoLonger):
            assert caught.value.lowest == 77


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"block": {"header": header(6)}},
        {"block": {"header": header(5), "data": {"txs": ["AAAA"]}}},
        {"block": {"header": header(5), "data": {"txs": ["not base64!"]}}},
    ],
)
async def test_a_block_that_does_not_fit_its_results_is_not_believed(rpc_node: Start, block: Any, rpc_of: Any) -> None:
    node = await rpc_node()
    node.answers["block"] = {"result": block}
    node.answers["block_results"] = {"result": {"height": "5", "txs_results": None, "finalize_block_events": []}}
    async with Comet(rpc_of(node.address), "sandbox") as comet:
        with pytest.raises(Retry, match="block 5"):
            await comet.block(5)


async def test_the_next_node_answers_for_a_silent_one(rpc_node: Start, rpc_of: Any) -> None:
    node = await rpc_node(tip=12)
    async with Comet(rpc_of(NOBODY, node.address), "sandbox") as comet:
        assert (await comet.status()).height == 12
        assert comet.address == node.address.rstrip("/")


async def test_an_address_that_is_none_is_nobody_there(rpc_of: Any) -> None:
    async with Comet(rpc_of("http://a b:c"), "sandbox") as comet:
        with pytest.raises(Unreachable):
            await comet.status()


async def test_nobody_there(rpc_of: Any) -> None:
    async with Comet(rpc_of(NOBODY), "sandbox") as comet:
        with pytest.raises(Unreachable):
            await comet.status()


async def test_a_proxy_that_answers_something_else_is_no_node(rpc_node: Start, rpc_of: Any) -> None:
    node = await rpc_node()
    node.answers["status"] = {"surprise": 1}
    async with Comet(rpc_of(node.address), "sandbox") as comet:
        with pytest.raises(Unreachable, match="not a JSON-RPC answer"):
            await comet.status()


async def test_another_chain_is_refused(rpc_node: Start, rpc_of: Any) -> None:
    node = await rpc_node(chain_id="other-7")
    async with Comet(rpc_of(node.address), "sandbox") as comet:
        with pytest.raises(ConfigError, match=r"chain\.nodes.*'other-7'"):
            await comet.status()


async def test_one_that_catches_up_or_lags_is_passed_over(rpc_node: Start, rpc_of: Any) -> None:
    syncing, good = await rpc_node(tip=100, catching_up=True), await rpc_node(tip=50)
    async with Comet(rpc_of(syncing.address, good.address), "sandbox") as comet:
        assert (await comet.status()).height == 50
        assert comet.address == good.address.rstrip("/")
    behind, ahead = await rpc_node(tip=10), await rpc_node(tip=40)
    async with Comet(rpc_of(ahead.address, behind.address), "sandbox") as comet:
        assert (await comet.status()).height == 40
        ahead.tip = 20  # a load balancer now sends us to an older one
        assert (await comet.status()).height == 20, "all lag: the furthest is told, the caller waits"
        behind.tip = 41
        assert (await comet.status()).height == 41


async def test_one_that_shows_a_height_that_cannot_be_is_passed_over(rpc_node: Start, rpc_of: Any) -> None:
    first, second = await rpc_node(tip=100), await rpc_node(tip=101)
    nodes = rpc_of(first.address, second.address)
    async with Comet(nodes, "sandbox") as comet:
        for endpoint in nodes.all:
            await comet.look(endpoint)
        first.tip = 10**9
        assert (await comet.status()).height == 101
        first.tip = second.tip = 102
        await comet.look(nodes.all[0])
        assert (await comet.status()).height == 102


async def test_an_only_node_that_catches_up_says_so(rpc_node: Start, rpc_of: Any) -> None:
    node = await rpc_node(tip=7, catching_up=True)
    async with Comet(rpc_of(node.address), "sandbox") as comet:
        assert (await comet.status()).catching_up


async def test_blocks_are_kept_if_any_node_keeps_them(rpc_node: Start, rpc_of: Any) -> None:
    def gone(params: Any) -> dict[str, Any]:
        text = f"height {params['height']} is not available, lowest height is 90"
        return {"error": {"code": -32603, "message": "Internal error", "data": text}}

    pruned, archive = await rpc_node(tip=100, earliest_block_height="90"), await rpc_node(tip=100)
    pruned.answers |= {"block": gone, "block_results": gone}
    endpoints = rpc_of(pruned.address, archive.address)
    async with Comet(endpoints, "sandbox") as comet:
        for endpoint in endpoints.all:
            await comet.look(endpoint)
        assert (await comet.status()).earliest == 1
        assert (await comet.block(5)).height == 5
        assert "block" not in pruned.asked, "it has said that it keeps nothing so old"
    async with Comet(rpc_of(pruned.address), "sandbox") as comet:
        assert (await comet.status()).earliest == 90
        with pytest.raises(NoLonger) as caught:
            await comet.block(5)
        assert caught.value.lowest == 90


async def test_a_block_that_is_gone_is_not_waited_for_because_another_node_is_not_there_yet(
    rpc_node: Start, rpc_of: Any
) -> None:
    def answer(text: str) -> dict[str, Any]:
        return {"error": {"code": -32603, "message": "Internal error", "data": text}}

    pruned, behind = await rpc_node(tip=100, earliest_block_height="90"), await rpc_node(tip=20)
    pruned.answers["block"] = pruned.answers["block_results"] = answer(
        "height 50 is not available, lowest height is 90"
    )
    behind.answers["block"] = behind.answers["block_results"] = answer(
        "height 50 must be less than or equal to the current blockchain height 20"
    )
    endpoints = rpc_of(behind.address, pruned.address)
    async with Comet(endpoints, "sandbox") as comet:
        for endpoint in reversed(endpoints.all):
            await comet.look(endpoint)
        with pytest.raises(NoLonger):
            await comet.block(50)
