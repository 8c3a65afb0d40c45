"""Identifiers: the key each has in the state, its text in escrow, and what is wrong with a bad one (chain.md §1.5,
chain-probes 17).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from manifests.bech32 import decode

from .errors import registered
from .store import Key


@lru_cache(maxsize=4096)
def address_bytes(text: str) -> bytes:
    """ValueError when it is no account address of this chain."""
    prefix, data = decode(text)
    if prefix != "akash":
        raise ValueError(f"invalid Bech32 prefix; expected akash, got {prefix}")
    if len(data) not in (20, 32):
        raise ValueError(f"incorrect address length {len(data)}")
    return data


def is_address(text: str) -> bool:
    try:
        address_bytes(text)
    except ValueError:
        return False
    return True


def raw_text(data: bytes) -> str:
    """Bytes printed as if they were text: what is no UTF-8 arrives as one replacement character per byte."""
    text, at = "", 0
    while at < len(data):
        for width in (1, 2, 3, 4):
            try:
                text += data[at : at + width].decode()
            except UnicodeDecodeError:
                continue
            at += width
            break
        else:
            text += "\ufffd"
            at += 1
    return text


def deployment_key(i: Any) -> Key:
    return (i.owner, i.dseq)


def group_key(i: Any) -> Key:
    return (i.owner, i.dseq, i.gseq)


def order_key(i: Any) -> Key:
    return (i.owner, i.dseq, i.gseq, i.oseq)


def bid_key(i: Any) -> Key:
    """Bids and leases share it."""
    return (i.owner, i.dseq, i.gseq, i.oseq, i.provider)


def deployment_account(i: Any) -> Key:
    """Escrow keys are the parts of the text `deployment/owner/dseq`."""
    return ("deployment", i.owner, str(i.dseq))


def bid_account(i: Any) -> Key:
    return ("bid", i.owner, str(i.dseq), str(i.gseq), str(i.oseq), i.provider)


def lease_payment(i: Any) -> Key:
    return (*deployment_account(i), str(i.gseq), str(i.oseq), i.provider)


def check_deployment(i: Any, path: str = "") -> None:
    path += "DeploymentID: "
    if not is_address(i.owner):
        raise registered("sdk", 7, path + "Invalid Owner Address")
    if i.dseq == 0:
        raise registered("sdk", 3, path + "Invalid Deployment Sequence")


def check_group(i: Any, path: str = "") -> None:
    path += "GroupID: "
    check_deployment(i, path + "Invalid DeploymentID: ")
    if i.gseq == 0:
        raise registered("sdk", 3, path + "Invalid Group Sequence")


def check_order(i: Any, path: str = "") -> None:
    path += "OrderID: "
    check_group(i, path + "Invalid GroupID: ")
    if i.oseq == 0:
        raise registered("sdk", 3, path + "Invalid Order Sequence")


def check_bid(i: Any, path: str = "") -> None:
    path += "BidID: "
    check_order(i, path + "Invalid OrderID: ")
    if not is_address(i.provider):
        raise registered("sdk", 7, path + "Invalid Provider Address")
    if i.owner == i.provider:
        raise registered("sdk", 36, path + "self-bid")
    if i.bseq != 0:
        raise registered("sdk", 36, path + "invalid bseq")


def check_lease(i: Any) -> None:
    check_bid(i, "LeaseID: Invalid BidID: ")
