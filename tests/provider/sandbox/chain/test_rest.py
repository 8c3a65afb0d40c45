"""The REST gateway's questions and answers; recorded ones are compared in test_recordings.py."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from provider.sandbox.chain.rest import Rest


@pytest.fixture
def rest(node: Any) -> Rest:
    return Rest(node)


async def test_paths_name_what_is_asked(node: Any, rest: Rest, wallet: Any) -> None:
    await node.step(2)
    found = rest.get(f"/cosmos/bank/v1beta1/balances/{wallet.address}")
    assert (found.status, found.height) == (200, 2)
    assert found.body == {
        "balances": [{"denom": "uakt", "amount": "1000000"}],
        "pagination": {"next_key": None, "total": "1"},
    }
    one = rest.get(f"/cosmos/bank/v1beta1/balances/{wallet.address}/by_denom?denom=uakt", 1)
    assert (one.body["balance"]["amount"], one.height) == ("1000000", 1)
    assert rest.get("/akash/oracle/v2/aggregated_price/ibc/x").body["message"].startswith("collections: not found")


REFUSED = {
    "an unknown path": ("/nosuch", 501, 12, "Not Implemented"),
    "a number that is none": ("/akash/market/v1beta5/orders/info?id.dseq=x", 400, 3, "x"),
    "a bad filter": ("/akash/market/v1beta5/orders/list?filters.state=bogus", 400, 3, "invalid state value"),
    "what is not there": (
        "/akash/provider/v1beta4/providers/akash1365yvmc4s7awdyj3n2sav7xfx76adc6dnmlx63",
        *(404, 5, "codespace provider code 3: invalid provider: address not found"),
    ),
}


@pytest.mark.parametrize(("path", "status", "code", "text"), REFUSED.values(), ids=REFUSED)
async def test_refusals(node: Any, rest: Rest, path: str, status: int, code: int, text: str) -> None:
    await node.step()
    found = rest.get(path)
    assert (found.status, found.body["code"], found.body["details"]) == (status, code, [])
    assert text in found.body["message"]


async def test_the_future_is_no_height(node: Any, rest: Rest) -> None:
    await node.step()
    found = rest.get("/akash/market/v1beta5/params", 99)
    assert (found.status, found.body["code"]) == (500, 2)
    assert "cannot query with height in the future" in found.body["message"]


async def test_query_strings_fill_requests(node: Any, rest: Rest) -> None:
    await node.step()
    key = base64.b64encode(b"rubbish").decode().replace("=", "%3D")
    path = f"/akash/market/v1beta5/orders/list?pagination.key={key}&pagination.reverse=true&nobody.knows=1&unknown=2"
    assert "invalid checksum" in rest.get(path).body["message"], "bytes are base64, unknown names are passed over"
    enabled = rest.get("/cosmos/bank/v1beta1/send_enabled?denoms=uact&denoms=uakt").body["send_enabled"]
    assert enabled == [{"denom": "uact", "enabled": False}, {"denom": "uakt", "enabled": True}]
    found = rest.get("/akash/oracle/v2/prices?filters.start_time=2026-01-01T00:00:00Z&filters.end_time=x")
    assert found.status == 400


async def test_a_transaction_is_simulated_and_sent(node: Any, rest: Rest, wallet: Any, tx_hash_of: Any) -> None:
    await node.step()

    def body(tx: bytes) -> dict[str, str]:
        return {"tx_bytes": base64.b64encode(tx).decode()}

    unsigned = wallet.send(node.app, signed=False)
    simulated = rest.post("/cosmos/tx/v1beta1/simulate", body(unsigned)).body
    assert int(simulated["gas_info"]["gas_used"]) > 0
    tx = wallet.send(node.app)
    sent = rest.post("/cosmos/tx/v1beta1/txs", body(tx) | {"mode": "BROADCAST_MODE_SYNC"}).body
    assert (sent["tx_response"]["code"], sent["tx_response"]["txhash"]) == (0, tx_hash_of(tx))
    await node.step()
    found = rest.get(f"/cosmos/tx/v1beta1/txs/{tx_hash_of(tx)}").body
    assert found["tx"]["body"]["messages"][0]["@type"] == "/cosmos.bank.v1beta1.MsgSend"
    assert found["tx_response"]["height"] == "2"
    assert rest.post("/nosuch", {}).status == 501
    assert rest.post("/cosmos/tx/v1beta1/txs", {"mode": "NO_MODE"}).status == 400
