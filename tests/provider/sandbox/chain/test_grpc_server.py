"""Heights in metadata, errors in the SDK's words, and the services beside the modules, over a real channel."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from provider.chain.wire import channel, message, stub

HEIGHT = "x-cosmos-block-height"
BALANCE = "cosmos.bank.v1beta1.QueryBalanceRequest"


@pytest.fixture
async def chan(node) -> AsyncIterator[grpc.aio.Channel]:
    await node.step()
    async with channel(node.grpc_url) as found:
        yield found


async def refusal(call: Any) -> tuple[str, str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value.code().name, caught.value.details(), dict(caught.value.initial_metadata())


async def test_a_query_is_pinned_to_a_height_and_says_which(node, chan, wallet) -> None:
    bank = stub(chan, "cosmos.bank.v1beta1.Query")
    ask = message(BALANCE)(address=wallet.address, denom="uakt")
    node.broadcast(wallet.send(node.app, to="akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63"))
    await node.step()
    seen = {}
    for height in ("1", "2", "0", None):
        call = bank.Balance(ask, metadata=[(HEIGHT, height)] if height else [])
        amount = (await call).balance.amount
        seen[height] = int(amount), dict(await call.initial_metadata())[HEIGHT]
    assert seen == {"1": (1_000_000, "1"), "2": (994_999, "2"), "0": (994_999, "2"), None: (994_999, "2")}


async def test_the_future_and_rubbish_are_no_heights(node, chan, wallet) -> None:
    bank, ask = stub(chan, "cosmos.bank.v1beta1.Query"), message(BALANCE)(address=wallet.address, denom="uakt")
    code, text, metadata = await refusal(bank.Balance(ask, metadata=[(HEIGHT, "9")]))
    assert (code, text) == (
        "UNKNOWN",
        "codespace sdk code 26: invalid height: cannot query with height in the future; please provide a valid height",
    )
    assert HEIGHT not in metadata
    code, text, _ = await refusal(bank.Balance(ask, metadata=[(HEIGHT, "x")]))
    assert code == "UNKNOWN"
    assert "invalid height header" in text


async def test_not_found_carries_text_and_height(chan) -> None:
    ask = message("akash.market.v1beta5.QueryOrderRequest")()
    ask.id.owner, ask.id.dseq, ask.id.gseq, ask.id.oseq = "akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63", 1, 1, 1
    code, text, metadata = await refusal(stub(chan, "akash.market.v1beta5.Query").Order(ask))
    assert (code, text) == ("NOT_FOUND", "codespace market code 15: invalid order: order not found")
    assert metadata[HEIGHT] == "1"


async def test_unknown_methods_and_services(chan) -> None:
    for path, text in (
        ("/akash.market.v1beta5.Query/Nope", "unknown method Nope for service akash.market.v1beta5.Query"),
        ("/no.such.Query/X", "unknown service no.such.Query"),
    ):
        assert (await refusal(chan.unary_unary(path)(b"")))[:2] == ("UNIMPLEMENTED", text)


async def test_rubbish_bytes_are_refused(chan) -> None:
    code, text, _ = await refusal(chan.unary_unary("/akash.market.v1beta5.Query/Order")(b"\xff"))
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("proto: ")


async def test_a_transaction_from_simulation_to_its_block(node, chan, wallet, tx_hash_of) -> None:
    service = stub(chan, "cosmos.tx.v1beta1.Service")
    unsigned = wallet.send(node.app, signed=False)
    simulated = await service.Simulate(message("cosmos.tx.v1beta1.SimulateRequest")(tx_bytes=unsigned))
    assert simulated.gas_info.gas_wanted == (1 << 64) - 1
    assert [m.type_url for m in simulated.result.msg_responses] == ["/cosmos.bank.v1beta1.MsgSendResponse"]
    by_tx = message("cosmos.tx.v1beta1.SimulateRequest")()
    by_tx.tx.MergeFromString(unsigned)
    assert (await service.Simulate(by_tx)).gas_info.gas_used == simulated.gas_info.gas_used

    tx = wallet.send(node.app, memo="hello")
    ask = message("cosmos.tx.v1beta1.BroadcastTxRequest")(tx_bytes=tx, mode=2)
    sent = (await service.BroadcastTx(ask)).tx_response
    assert (sent.code, sent.txhash) == (0, tx_hash_of(tx))
    again = (await service.BroadcastTx(ask)).tx_response
    assert (again.codespace, again.code, again.txhash) == ("sdk", 19, tx_hash_of(tx))

    get = message("cosmos.tx.v1beta1.GetTxRequest")(hash=sent.txhash)
    assert (await refusal(service.GetTx(get)))[:2] == ("NOT_FOUND", f"tx not found: {sent.txhash}")
    await node.step()
    found = await service.GetTx(get)
    assert (found.tx.body.memo, found.tx_response.height, found.tx_response.code) == ("hello", 2, 0)
    assert found.tx_response.tx.type_url == "/cosmos.tx.v1beta1.Tx"
    assert {e.type for e in found.tx_response.events} >= {"tx", "message", "transfer"}
    assert found.tx_response.timestamp == "2026-01-01T00:00:12Z"

    search = message("cosmos.tx.v1beta1.GetTxsEventRequest")(query=f"message.sender='{wallet.address}'")
    listed = await service.GetTxsEvent(search)
    assert (listed.total, [t.txhash for t in listed.tx_responses]) == (1, [sent.txhash])


async def test_a_failing_simulation_has_text_only(node, chan, wallet) -> None:
    tx = wallet.send(node.app, 10**9, signed=False)
    call = stub(chan, "cosmos.tx.v1beta1.Service").Simulate
    code, text, _ = await refusal(call(message("cosmos.tx.v1beta1.SimulateRequest")(tx_bytes=tx)))
    assert code == "UNKNOWN"
    assert text.startswith("failed to execute message; message index: 0: ")
    assert "insufficient funds" in text
    assert "with gas used: '" in text
    code, _, _ = await refusal(call(message("cosmos.tx.v1beta1.SimulateRequest")()))
    assert code == "INVALID_ARGUMENT"


async def test_a_broadcast_refused_by_check_tx_is_an_answer_not_an_error(node, chan, wallet) -> None:
    tx = wallet.send(node.app, sequence=7)
    ask = message("cosmos.tx.v1beta1.BroadcastTxRequest")(tx_bytes=tx, mode=2)
    answer = (await stub(chan, "cosmos.tx.v1beta1.Service").BroadcastTx(ask)).tx_response
    assert (answer.codespace, answer.code) == ("sdk", 32)
    assert answer.raw_log == "account sequence mismatch, expected 0, got 7: incorrect account sequence"


async def test_the_node_about_itself(node, chan) -> None:
    base = stub(chan, "cosmos.base.node.v1beta1.Service")
    config = await base.Config(message("cosmos.base.node.v1beta1.ConfigRequest")())
    assert config.minimum_gas_price == "0.025000000000000000uakt"
    status = await base.Status(message("cosmos.base.node.v1beta1.StatusRequest")())
    assert (status.height, status.timestamp.seconds) == (1, node.block(1).time_unix_ns // 10**9)
    comet = stub(chan, "cosmos.base.tendermint.v1beta1.Service")
    block = await comet.GetLatestBlock(message("cosmos.base.tendermint.v1beta1.GetLatestBlockRequest")())
    assert (block.sdk_block.header.chain_id, block.sdk_block.header.height) == ("sandbox", 1)
    info = await comet.GetNodeInfo(message("cosmos.base.tendermint.v1beta1.GetNodeInfoRequest")())
    assert (info.default_node_info.network, info.application_version.version) == ("sandbox", "v2.1.0")


async def test_discovery_names_the_market_version_and_no_height(chan) -> None:
    call = stub(chan, "akash.discovery.v1.Discovery").GetInfo(message("akash.discovery.v1.GetInfoRequest")())
    info = (await call).info
    assert info.chain_id == "sandbox"
    assert {(m.module, m.version) for m in info.supported_versions[0].modules} >= {("market", "v1beta5")}
    assert HEIGHT not in dict(await call.initial_metadata())
