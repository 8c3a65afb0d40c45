"""What a node answers besides the modules' queries, asked without a socket."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from provider.chain.wire import POOL, message
from provider.sandbox.chain.app import App
from provider.sandbox.chain.errors import QueryError
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.node import Node
from provider.sandbox.chain.services import Services

TX = "cosmos.tx.v1beta1.Service"
NODE = "cosmos.base.node.v1beta1.Service"
COMET = "cosmos.base.tendermint.v1beta1.Service"
DISCOVERY = "akash.discovery.v1.Discovery"
SYNC, ASYNC = 2, 3


class Door:
    """A node that is stepped and asked; `refused` gives status and text of a refusal."""

    def __init__(self, app: App) -> None:
        self.node = Node(app, block_time_s=None, virtual_block_time_s=6)
        self.services = Services(self.node)

    async def step(self, blocks: int = 1) -> None:
        await self.node.step(blocks)

    def ask(self, method: str, height: int = 0, **fields: Any) -> Any:
        described = POOL.FindMethodByName(method.replace("/", "."))
        request = message(described.input_type.full_name)(**fields).SerializeToString()
        answer, self.height = self.services.ask(f"/{method}", request, height)
        return message(described.output_type.full_name).FromString(answer)

    def refused(self, method: str, height: int = 0, **fields: Any) -> tuple[str, str]:
        with pytest.raises(QueryError) as no:
            self.ask(method, height, **fields)
        return no.value.status, no.value.text

    def send(self, tx: bytes, mode: int = SYNC) -> Any:
        return self.ask(f"{TX}/BroadcastTx", tx_bytes=tx, mode=mode).tx_response


@pytest.fixture
async def door(app: App) -> Door:
    made = Door(app)
    await made.step()
    return made


# Which method, at which height.


@pytest.mark.parametrize(
    ("method", "text"),
    [
        (f"/{TX}/Nope", f"unknown method Nope for service {TX}"),
        (f"/{DISCOVERY}/GetMore", f"unknown method GetMore for service {DISCOVERY}"),
        ("/akash.market.v1beta5.Query/Nope", "unknown method Nope for service akash.market.v1beta5.Query"),
        ("/akash.market.v1beta4.Query/Orders", "unknown service akash.market.v1beta4.Query"),
        ("/nonsense", "unknown service "),
    ],
)
def test_unknown_methods_and_services_differ(door: Door, method: str, text: str) -> None:
    with pytest.raises(QueryError) as no:
        door.services.ask(method, b"")
    assert (no.value.status, no.value.text) == ("UNIMPLEMENTED", text)


@pytest.mark.parametrize(
    ("method", "heights"),
    [
        ("akash.market.v1beta5.Query/Params", {0: 5, 3: 3, 5: 5}),
        (f"{NODE}/Config", {0: 5, 3: 3}),
        (f"{DISCOVERY}/GetInfo", {0: None, 3: None}),
    ],
)
async def test_an_answer_says_at_which_height_it_holds_but_discovery(
    door: Door, method: str, heights: dict[int, int | None]
) -> None:
    await door.step(4)
    for asked, served in heights.items():
        door.ask(method, asked)
        assert door.height == served


@pytest.mark.parametrize("method", ["akash.market.v1beta5.Query/Params", f"{NODE}/Config", f"{DISCOVERY}/GetInfo"])
@pytest.mark.parametrize(
    ("height", "status", "text"),
    [
        (2, "UNKNOWN", "codespace sdk code 26: invalid height: cannot query with height in the future"),
        (-1, "UNKNOWN", "codespace sdk code 26: invalid height: height must be equal or greater than 0"),
    ],
)
def test_a_height_nobody_has_is_refused_whatever_was_asked(
    door: Door, method: str, height: int, status: str, text: str
) -> None:
    told = door.refused(method, height)
    assert told[0] == status
    assert told[1].startswith(text)


@pytest.mark.parametrize("method", ["akash.market.v1beta5.Query/Order", f"{TX}/Simulate"])
def test_bytes_that_are_no_request(door: Door, method: str) -> None:
    with pytest.raises(QueryError) as no:
        door.services.ask(f"/{method}", b"\xff")
    assert no.value.status == "INVALID_ARGUMENT"
    assert no.value.text.startswith("proto: ")
    assert no.value.text.endswith(": invalid request")


def test_every_service_it_names_is_on_the_wire(door: Door) -> None:
    for method in door.services._own:
        assert POOL.FindMethodByName(method.lstrip("/").replace("/", "."))


# Simulating and sending.


def test_a_simulation_by_bytes_or_by_parts_is_one(door: Door, wallet: Any) -> None:
    tx = wallet.send(door.node.app, signed=False)
    by_bytes = door.ask(f"{TX}/Simulate", tx_bytes=tx)
    assert by_bytes == door.ask(f"{TX}/Simulate", tx=message("cosmos.tx.v1beta1.Tx").FromString(tx))
    assert by_bytes.gas_info.gas_wanted == 2**64 - 1
    assert 40_000 < by_bytes.gas_info.gas_used < 90_000
    assert by_bytes.result.log == ""
    assert [e.type for e in by_bytes.result.events].count("transfer") == 2, "the fee and the coin"
    (answer,) = by_bytes.result.msg_responses
    data = message("cosmos.base.abci.v1beta1.TxMsgData").FromString(by_bytes.result.data)
    assert [answer] == list(data.msg_responses)
    assert answer.type_url == "/cosmos.bank.v1beta1.MsgSendResponse"


def test_simulations_that_are_refused(door: Door, wallet: Any) -> None:
    assert door.refused(f"{TX}/Simulate") == ("INVALID_ARGUMENT", "empty txBytes is not allowed")
    status, text = door.refused(f"{TX}/Simulate", tx_bytes=wallet.send(door.node.app, 10**9, signed=False))
    assert status == "UNKNOWN"
    assert text.startswith("failed to execute message; message index: 0: spendable balance ")
    status, text = door.refused(f"{TX}/Simulate", tx_bytes=b"\xff")
    assert (status, "tx parse error" in text) == ("UNKNOWN", True)


SENT: dict[str, tuple[int, Callable[[Any, App], bytes], tuple[str, int, bool]]] = {
    # mode, transaction -> (codespace, code, whether a log says why)
    "good": (SYNC, lambda wallet, app: wallet.send(app), ("", 0, False)),
    "good, not waited for": (ASYNC, lambda wallet, app: wallet.send(app), ("", 0, False)),
    "refused": (SYNC, lambda wallet, app: wallet.send(app, sequence=7), ("sdk", 32, True)),
    "refused, not waited for": (ASYNC, lambda wallet, app: wallet.send(app, sequence=7), ("", 0, False)),
    "rubbish": (SYNC, lambda wallet, app: b"\xff", ("sdk", 2, True)),
    "larger than a mempool takes": (SYNC, lambda wallet, app: b"x" * ((1 << 20) + 1), ("sdk", 21, False)),
    "... however it is sent": (ASYNC, lambda wallet, app: b"x" * ((1 << 20) + 1), ("sdk", 21, False)),
}


@pytest.mark.parametrize(("mode", "make", "wanted"), SENT.values(), ids=SENT)
def test_a_broadcast_answers_with_hash_and_verdict(
    door: Door, wallet: Any, tx_hash_of: Any, mode: int, make: Any, wanted: tuple[str, int, bool]
) -> None:
    tx = make(wallet, door.node.app)
    answer = door.send(tx, mode)
    assert (answer.codespace, answer.code, bool(answer.raw_log)) == wanted
    assert answer.txhash == tx_hash_of(tx)
    assert answer.height == 0


def test_the_same_bytes_twice_are_in_the_cache(door: Door, wallet: Any, tx_hash_of: Any) -> None:
    tx = wallet.send(door.node.app)
    assert [door.send(tx).code, door.send(tx).code, door.send(tx, ASYNC).code] == [0, 19, 19]
    assert (door.send(tx).codespace, door.send(tx).txhash) == ("sdk", tx_hash_of(tx))
    assert len(door.node.mempool) == 1


@pytest.mark.parametrize("mode", [0, 1, 4])
def test_modes_that_wait_for_a_block_are_gone(door: Door, wallet: Any, mode: int) -> None:
    told = door.refused(f"{TX}/BroadcastTx", tx_bytes=wallet.send(door.node.app), mode=mode)
    assert told == ("INVALID_ARGUMENT", "unsupported return type; supported types: sync, async: invalid request")
    assert len(door.node.mempool) == 0


def test_nothing_cannot_be_sent(door: Door) -> None:
    assert door.refused(f"{TX}/BroadcastTx", mode=SYNC) == ("INVALID_ARGUMENT", "invalid empty tx")


# Finding transactions again.


async def test_a_transaction_by_its_hash_in_either_case(door: Door, wallet: Any) -> None:
    tx = wallet.send(door.node.app, memo="hello")
    hash_ = door.send(tx).txhash
    assert door.refused(f"{TX}/GetTx", hash=hash_) == ("NOT_FOUND", f"tx not found: {hash_}")
    assert door.refused(f"{TX}/GetTx") == ("INVALID_ARGUMENT", "tx hash cannot be empty")
    await door.step()
    found = door.ask(f"{TX}/GetTx", hash=hash_.lower())
    assert found == door.ask(f"{TX}/GetTx", hash=hash_)
    response = found.tx_response
    assert (response.txhash, response.height, response.timestamp) == (hash_, 2, "2026-01-01T00:00:12Z")
    assert (found.tx.body.memo, response.tx.value, response.tx.type_url) == ("hello", tx, "/cosmos.tx.v1beta1.Tx")
    included = door.node.included(hash_)
    assert included is not None
    assert (response.gas_wanted, response.gas_used) == (200_000, included.result.gas_used)
    assert response.data == included.result.data.hex().upper() != ""
    assert [(e.type, [(a.key, a.value, a.index) for a in e.attributes]) for e in response.events] == [
        (e.type, [(key, value, True) for key, value in e.attributes]) for e in included.result.events
    ]


async def test_a_transaction_that_failed_says_so(door: Door, wallet: Any) -> None:
    hash_ = door.send(wallet.send(door.node.app, 10**9)).txhash
    await door.step()
    found = door.ask(f"{TX}/GetTx", hash=hash_).tx_response
    assert (found.codespace, found.code, found.data) == ("sdk", 5, "")
    assert found.raw_log.startswith("failed to execute message; message index: 0: spendable balance ")


@pytest.fixture
async def five(door: Door, wallet: Any) -> tuple[Door, list[str]]:
    """Five transactions in heights 2 to 6, and their hashes."""
    hashes = []
    for n in range(5):
        hashes.append(door.send(wallet.send(door.node.app, n + 1)).txhash)
        await door.step()
    return door, hashes


@pytest.mark.parametrize(
    ("asked", "total", "found"),
    [
        ({"query": "tx.height>=2"}, 5, [0, 1, 2, 3, 4]),
        ({"query": "tx.height>=2", "order_by": 2}, 5, [4, 3, 2, 1, 0]),
        ({"query": "tx.height>=2", "order_by": 1}, 5, [0, 1, 2, 3, 4]),
        ({"query": "tx.height>=2", "limit": 2}, 5, [0, 1]),
        ({"query": "tx.height>=2", "limit": 2, "page": 2}, 5, [2, 3]),
        ({"query": "tx.height>=2", "limit": 2, "page": 3}, 5, [4]),
        ({"query": "tx.height>=2", "limit": 2, "page": 1, "order_by": 2}, 5, [4, 3]),
        ({"query": "tx.height=4"}, 1, [2]),
        ({"events": ["tx.height>=3", "tx.height<5"]}, 2, [1, 2]),
        ({"query": "tx.height=4", "events": ["tx.height=5"]}, 1, [2]),
        ({"query": "message.sender='nobody'"}, 0, []),
    ],
)
def test_searching(five: tuple[Door, list[str]], asked: dict[str, Any], total: int, found: list[int]) -> None:
    door, hashes = five
    answer = door.ask(f"{TX}/GetTxsEvent", **asked)
    assert [hashes.index(response.txhash) for response in answer.tx_responses] == found
    assert answer.total == total
    sent = [message("cosmos.bank.v1beta1.MsgSend").FromString(tx.body.messages[0].value) for tx in answer.txs]
    assert [int(msg.amount[0].amount) - 1 for msg in sent] == found


def test_a_search_finds_what_a_client_may_see(five: tuple[Door, list[str]]) -> None:
    door, hashes = five
    door.node.chaos.lag_blocks, door.node.chaos.prune_below = 2, 3
    answer = door.ask(f"{TX}/GetTxsEvent", query="tx.height>=1")
    assert [response.txhash for response in answer.tx_responses] == hashes[1:3]
    assert door.refused(f"{TX}/GetTx", hash=hashes[0])[0] == "NOT_FOUND"
    assert door.refused(f"{TX}/GetTx", hash=hashes[4])[0] == "NOT_FOUND"


def test_a_search_for_nothing_and_one_nobody_understands(door: Door) -> None:
    assert door.refused(f"{TX}/GetTxsEvent") == ("INVALID_ARGUMENT", "query cannot be empty")
    status, text = door.refused(f"{TX}/GetTxsEvent", query="tx.height ~ 5")
    assert status == "UNKNOWN"
    assert text.startswith("failed to parse query")


# The node about itself.


@pytest.mark.parametrize(
    ("price_e18", "text"),
    [
        (25 * 10**15, "0.025000000000000000uakt"),
        (1, "0.000000000000000001uakt"),
        (15 * 10**17, "1.500000000000000000uakt"),
        (0, "0.000000000000000000uakt"),
    ],
)
async def test_the_least_price_of_gas(price_e18: int, text: str) -> None:
    door = Door(App(Genesis.default({}, min_gas_price_e18=price_e18)))
    found = door.ask(f"{NODE}/Config")
    assert (found.minimum_gas_price, found.pruning_keep_recent, found.pruning_interval) == (text, "0", "0")


async def test_a_node_that_lags_and_prunes_admits_it(door: Door) -> None:
    await door.step(9)
    door.node.chaos.lag_blocks, door.node.chaos.prune_below = 3, 4
    status = door.ask(f"{NODE}/Status")
    assert (status.earliest_store_height, status.height) == (4, 7)
    block = door.ask(f"{COMET}/GetLatestBlock").sdk_block.header
    began = door.node.app.genesis.genesis_time_unix_ns
    assert (block.height, block.chain_id) == (7, "sandbox")
    assert block.time.ToNanoseconds() == status.timestamp.ToNanoseconds() == began + 7 * 6 * 10**9
    hashes = status.app_hash, status.validator_hash
    door.node.chaos.lag_blocks = 2
    later = door.ask(f"{NODE}/Status")
    assert (later.app_hash != hashes[0], later.validator_hash == hashes[1]) == (True, True)


async def test_before_the_first_block_the_time_is_that_of_the_genesis(app: App) -> None:
    door = Door(app)
    assert door.ask(f"{NODE}/Status").timestamp.ToNanoseconds() == app.genesis.genesis_time_unix_ns
    await door.step()
    assert door.ask(f"{NODE}/Status").timestamp.ToNanoseconds() == app.genesis.genesis_time_unix_ns + 6 * 10**9


def test_who_it_is(door: Door) -> None:
    found = door.ask(f"{COMET}/GetNodeInfo")
    assert found.default_node_info.network == door.node.app.chain_id == "sandbox"
    assert found.application_version.app_name == "akash"
    assert found.application_version.version == door.ask(f"{DISCOVERY}/GetInfo").info.node_version


def test_both_ways_to_discover_it_agree(door: Door) -> None:
    """chain-probes §2: the same bundles, newest first; the oldest is what old clients are told."""
    info, text = door.ask(f"{DISCOVERY}/GetInfo").info, door.services.discovery_json()
    assert text["chain_id"] == info.chain_id == "sandbox"
    assert (text["node_version"], text["min_client_version"]) == (info.node_version, info.min_client_version)
    assert text["client_info"] == {"api_version": info.client_info.api_version} == {"api_version": "v1beta3"}
    assert text["supported_versions"] == [
        {
            "api_version": bundle.api_version,
            "modules": [{"module": m.module, "version": m.version} for m in bundle.modules],
            "features": None,
        }
        for bundle in info.supported_versions
    ]
    assert [bundle.api_version for bundle in info.supported_versions] == ["v1beta4", "v1beta3"]
    offered = {m.module: m.version for m in info.supported_versions[0].modules}
    assert (offered["market"], offered["deployment"], offered["oracle"]) == ("v1beta5", "v1beta4", "v2")
    for module, version in offered.items():
        if module in ("audit", "cert", "deployment", "escrow", "market", "provider"):
            assert f"/akash.{module}.{version}.Query/" in " ".join(door.node.app.query_methods())
