"""The shape of events."""

from __future__ import annotations

from provider.chain.wire import message
from provider.sandbox.chain.events import EventLog, of_message


def test_typed_attributes_are_sorted_and_end_with_the_message_index() -> None:
    log = of_message(2)
    i = message("akash.deployment.v1.DeploymentID")(owner="T", dseq=1)
    log.typed("akash.deployment.v1.EventDeploymentCreated", id=i, hash='"aGg="')
    assert log.events[0].attributes == [("hash", '"aGg="'), ("id", '{"owner":"T","dseq":"1"}'), ("msg_index", "2")]


def test_events_outside_messages_have_no_index() -> None:
    log = EventLog()
    log.plain("tx", ("fee", "1uakt"))
    assert log.events[0].attributes == [("fee", "1uakt")]
