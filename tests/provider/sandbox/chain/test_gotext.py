"""Messages as Go prints them; the first is from a recorded log."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message, pack
from provider.sandbox.chain.gotext import compact

COIN = message("cosmos.base.v1beta1.Coin")(denom="d")
CREATE_BID = message("akash.market.v1beta5.MsgCreateBid")(
    id={"owner": "O", "dseq": 702, "gseq": 1, "oseq": 1, "provider": "P"},
    price={"denom": "uact", "amount": "8000000000000000000"},
    deposit={"amount": {"denom": "uakt", "amount": "500000"}, "sources": [1]},
)
PRINTED: dict[str, tuple[Any, str]] = {
    "a bid": (
        CREATE_BID,
        (
            'id:<owner:"O" dseq:702 gseq:1 oseq:1 provider:"P" > price:<denom:"uact" amount:"8000000000000000000" > '
            'deposit:<amount:<denom:"uakt" amount:"500000" > sources:balance > '
        ),
    ),
    "an empty message": (message("cosmos.base.v1beta1.Coin")(), ""),
    "a number no name stands for": (message("akash.market.v1beta5.MsgCloseBid")(reason=19_999), "reason:19999 "),
    "a flag": (message("cosmos.tx.v1beta1.TxBody")(unordered=True), "unordered:true "),
    "bytes": (
        message("akash.deployment.v1beta4.MsgUpdateDeployment")(hash=b'a"\\\n\x01\xff'),
        'hash:"a\\"\\\\\\n\\001\\377" ',
    ),
    "a known box": (
        message("cosmos.authz.v1beta1.MsgExec")(
            grantee="G", msgs=[pack(message("cosmos.base.v1beta1.Coin")(denom="d"))]
        ),
        'grantee:"G" msgs:<[/cosmos.base.v1beta1.Coin]:<denom:"d" >> ',
    ),
}


@pytest.mark.parametrize(("msg", "text"), PRINTED.values(), ids=PRINTED)
def test_a_message_is_printed_on_one_line(msg: Any, text: str) -> None:
    assert compact(msg) == text


def test_a_box_nobody_knows_is_printed_as_it_is() -> None:
    box = message("google.protobuf.Any")(type_url="/no.such", value=b"\x00")
    assert compact(box) == 'type_url:"/no.such" value:"\\000" '
