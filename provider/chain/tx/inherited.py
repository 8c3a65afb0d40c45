"""A transaction that an earlier process has sent, as this one carries it on: the same bytes, and its messages known
again, so that who asks for the same joins it. Pure.

Its messages are never signed anew: nobody in this process has asked for them. When the transaction comes to nothing
they end, and who still wants them asks again.
"""

from __future__ import annotations

from provider.chain.convert.requests import provider_message
from provider.chain.tx.flights import Flight
from provider.chain.tx.outbox import Item
from provider.chain.tx.priority import Priority
from provider.chain.wire import message, unpack
from provider.intents import Intent, Left


def inherit(left: Left) -> Flight:
    """To be pushed again as soon as possible."""
    signed, seats = left.signed, tuple(_item(intent) for intent in left.intents)
    items = [item for item in seats if item is not None]
    return Flight(
        signed.hash, signed.tx, items, signed.timeout_unix_ns, pushed_at=0, left_s=0.0, fee=signed.fee.amount,
        seats=seats,
    )  # fmt: skip


def _item(intent: Intent) -> Item | None:
    """None for a message that this daemon does not send, as another version of it may: its end is noted with that of
    its transaction."""
    box = message("google.protobuf.Any").FromString(intent.message)
    try:
        inner = unpack(box)
        if inner.DESCRIPTOR.full_name == "cosmos.authz.v1beta1.MsgExec":
            inner = unpack(inner.msgs[0])
    except KeyError:
        return None
    msg = provider_message(inner)
    if msg is None:
        return None
    return Item(
        msg, box, intent.key, left=True, priority=Priority(intent.priority), stored=True, signed=True, inherited=True
    )
