"""Deployments and groups: which may still be worked with, and what each step of theirs says."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.wire import message
from provider.sandbox.chain.context import Context, Registry
from provider.sandbox.chain.errors import ChainError
from provider.sandbox.chain.events import AbciEvent
from provider.sandbox.chain.gas import UNLIMITED, Meter
from provider.sandbox.chain.genesis import Genesis
from provider.sandbox.chain.groups import (
    DEPLOYMENTS,
    GROUPS,
    close_deployment,
    find_deployment,
    find_group,
    set_group,
)
from provider.sandbox.chain.ids import deployment_key, group_key
from provider.sandbox.chain.store import Layer, Store

OPEN, PAUSED, INSUFFICIENT_FUNDS, CLOSED = 1, 2, 3, 4
NAMES = {"open": OPEN, "paused": PAUSED, "insufficient_funds": INSUFFICIENT_FUNDS, "closed": CLOSED}
ID = '{"owner":"T","dseq":"7"}'
GROUP_ID = '{"owner":"T","dseq":"7","gseq":2}'


@pytest.fixture
def ctx() -> Context:
    return Context(Layer(Store().at(0)), 40, 0, Genesis.default({}), Registry(), Meter(UNLIMITED))


def deployment(state: int = 1, dseq: int = 7) -> Any:
    return message(DEPLOYMENTS.record)(id={"owner": "T", "dseq": dseq}, state=state, hash=b"h" * 32, created_at=5)


def group(state: int = OPEN, gseq: int = 2) -> Any:
    spec = {"name": "g"}
    return message(GROUPS.record)(id={"owner": "T", "dseq": 7, "gseq": gseq}, state=state, group_spec=spec)


def put(ctx: Context, record: Any) -> Any:
    """Stored without a word, as something that was there before."""
    if record.DESCRIPTOR.full_name == GROUPS.record:
        ctx.put(GROUPS, group_key(record.id), record)
    else:
        ctx.put(DEPLOYMENTS, deployment_key(record.id), record)
    return record


def test_a_deployment_is_found_while_it_is_active(ctx: Context) -> None:
    known = put(ctx, deployment())
    put(ctx, deployment(state=2, dseq=8))
    assert find_deployment(ctx, known.id) == known
    for dseq, code, text in ((8, 5, "Deployment closed"), (9, 4, "Deployment not found")):
        with pytest.raises(ChainError) as no:
            find_deployment(ctx, deployment(dseq=dseq).id)
        assert (no.value.codespace, no.value.code, no.value.text) == ("deployment", code, text)


@pytest.mark.parametrize("state", ["open", "paused"])
def test_a_group_is_found_until_it_ends(ctx: Context, state: str) -> None:
    known = put(ctx, group(NAMES[state]))
    assert find_group(ctx, known.id) == known


@pytest.mark.parametrize("state", ["insufficient_funds", "closed"])
def test_however_a_group_ended_it_is_closed(ctx: Context, state: str) -> None:
    with pytest.raises(ChainError) as no:
        find_group(ctx, put(ctx, group(NAMES[state])).id)
    assert (no.value.codespace, no.value.code, no.value.text) == ("deployment", 15, "Group already closed")


def test_a_group_that_never_was(ctx: Context) -> None:
    put(ctx, group(gseq=1))
    with pytest.raises(ChainError) as no:
        find_group(ctx, group(gseq=2).id)
    assert (no.value.codespace, no.value.code, no.value.text) == ("deployment", 14, "Group not found")


@pytest.mark.parametrize(
    ("state", "event"),
    [
        ("open", "EventGroupStarted"),
        ("paused", "EventGroupPaused"),
        ("closed", "EventGroupClosed"),
        ("insufficient_funds", "EventGroupClosed"),
    ],
)
def test_a_step_of_a_group_is_stored_and_told(ctx: Context, state: str, event: str) -> None:
    other = put(ctx, group(gseq=1))
    set_group(ctx, put(ctx, group(PAUSED if state == "open" else OPEN)), NAMES[state])
    assert GROUPS.get(ctx, ("T", 7, 2)) == group(NAMES[state])
    assert GROUPS.get(ctx, ("T", 7, 1)) == other
    assert ctx.log.events == [AbciEvent(f"akash.deployment.v1.{event}", [("id", GROUP_ID)])]


def test_a_deployment_closes_and_keeps_what_it_was(ctx: Context) -> None:
    close_deployment(ctx, put(ctx, deployment()))
    assert DEPLOYMENTS.get(ctx, ("T", 7)) == deployment(state=2)
    assert ctx.log.events == [AbciEvent("akash.deployment.v1.EventDeploymentClosed", [("id", ID)])]
