"""Identifiers: keys, escrow ids, and the words for bad ones."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.bech32 import encode
from provider.chain.wire import message
from provider.sandbox.chain import ids
from provider.sandbox.chain.errors import ChainError

T, P = encode("akash", b"t" * 20), encode("akash", b"p" * 20)


def bid(**changes: Any) -> Any:
    whole = {"owner": T, "dseq": 7, "gseq": 1, "oseq": 2, "provider": P}
    return message("akash.market.v1.BidID")(**{**whole, **changes})


def test_keys_and_escrow_ids() -> None:
    assert ids.bid_key(bid()) == (T, 7, 1, 2, P)
    assert ids.bid_account(bid()) == ("bid", T, "7", "1", "2", P)
    assert ids.lease_payment(bid()) == ("deployment", T, "7", "1", "2", P)


ORDER = "Invalid OrderID: OrderID: "
GROUP = ORDER + "Invalid GroupID: GroupID: "
DEPLOYMENT = GROUP + "Invalid DeploymentID: DeploymentID: "


@pytest.mark.parametrize(
    ("changes", "code", "text"),
    [
        ({"owner": "x"}, 7, DEPLOYMENT + "Invalid Owner Address: invalid address"),
        ({"owner": encode("cosmos", b"t" * 20)}, 7, DEPLOYMENT + "Invalid Owner Address: invalid address"),
        ({"dseq": 0}, 3, DEPLOYMENT + "Invalid Deployment Sequence: invalid sequence"),
        ({"gseq": 0}, 3, GROUP + "Invalid Group Sequence: invalid sequence"),
        ({"oseq": 0}, 3, ORDER + "Invalid Order Sequence: invalid sequence"),
        ({"provider": ""}, 7, "Invalid Provider Address: invalid address"),
        ({"provider": T}, 36, "self-bid: conflict"),
        ({"bseq": 1}, 36, "invalid bseq: conflict"),
    ],
)
def test_bad_ids_name_the_part_that_is_bad(changes: Any, code: int, text: str) -> None:
    with pytest.raises(ChainError) as no:
        ids.check_lease(bid(**changes))
    assert (no.value.codespace, no.value.code) == ("sdk", code)
    assert no.value.text == f"LeaseID: Invalid BidID: BidID: {text}"
