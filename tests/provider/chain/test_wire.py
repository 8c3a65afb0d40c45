"""The private pool: names, Any boxes, stubs and handlers over a real socket."""

from __future__ import annotations

from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool

from provider.chain import wire


def test_messages_by_full_name() -> None:
    bid = wire.message("akash.market.v1beta5.MsgCreateBid")()
    assert bid.DESCRIPTOR.full_name == "akash.market.v1beta5.MsgCreateBid"
    assert wire.message("akash.market.v1beta5.MsgCreateBid") is type(bid)
    assert wire.known("cosmos.tx.v1beta1.TxRaw")
    assert not wire.known("cosmos.tx.v9.TxRaw")
    with pytest.raises(KeyError):
        wire.message("akash.market.v9.MsgCreateBid")


def test_the_default_pool_stays_clean() -> None:
    with pytest.raises(KeyError):
        descriptor_pool.Default().FindMessageTypeByName("akash.market.v1beta5.MsgCreateBid")


def test_a_box_carries_the_type_as_the_chain_wants_it() -> None:
    key = wire.message("cosmos.crypto.secp256k1.PubKey")(key=b"\x02")
    box = wire.pack(key)
    assert box.type_url == "/cosmos.crypto.secp256k1.PubKey"
    assert wire.unpack(box) == key
    box.type_url = "/unknown.Type"
    with pytest.raises(KeyError):
        wire.unpack(box)


async def test_stub_and_handlers_meet(grpc_nodes: Any) -> None:
    async def config(request: Any, context: Any) -> Any:
        return wire.message("cosmos.base.node.v1beta1.ConfigResponse")(minimum_gas_price="1uakt")

    node = await grpc_nodes()
    node.answers("cosmos.base.node.v1beta1.Service", Config=config)
    await node.start()
    async with wire.channel(f"http://{node.address}/") as channel:
        stub = wire.stub(channel, "cosmos.base.node.v1beta1.Service")
        answer = await stub.Config(wire.message("cosmos.base.node.v1beta1.ConfigRequest")())
        assert answer.minimum_gas_price == "1uakt"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Status(wire.message("cosmos.base.node.v1beta1.StatusRequest")())
        assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED
