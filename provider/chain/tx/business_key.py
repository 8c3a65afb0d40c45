"""What a message is to bring about, as one line of text: the key by which the outbox knows that it was asked for
already. Pure.

Two messages with one key want the same thing, whatever else they say: a lease is closed once, for whichever reason.
Only a bid's terms are more than that (`terms_count`): whoever wants another price must not believe that it was bid.
"""

from __future__ import annotations

import hashlib
from typing import Any

from provider.chain import messages as ask


def key_of(msg: ask.Msg, box: Any) -> str:
    """`box` is the packed message; where no id says what is wanted, its bytes do."""
    match msg:
        case ask.CreateBid(id=bid):
            return f"bid/{bid.order}"
        case ask.CloseBid(id=bid):
            return f"close/{bid}"
        case ask.WithdrawLease(id=lease):
            return f"withdraw/{lease}"
        case ask.StartReclaim(id=lease):
            return f"reclaim/{lease}"
        case ask.RevokeCertificate(owner=owner, serial=serial):
            return f"revoke/{owner}/{serial}"
        case ask.CreateLease(id=lease):
            return f"lease/{lease}"
        case ask.CloseLease(id=lease):
            return f"end/{lease}"
        case ask.CloseDeployment(id=deployment):
            return f"close-deployment/{deployment}"
    return f"{type(msg).__name__}/{hashlib.sha256(box.value).hexdigest()[:32]}"


def terms_count(msg: ask.Msg) -> bool:
    """Whether somebody who asks for other terms under the same key must hear of it."""
    return isinstance(msg, ask.CreateBid)
