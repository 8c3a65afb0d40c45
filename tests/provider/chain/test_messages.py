"""Everything that can be asked of the chain can be written, and names the account that signs it somewhere in its id."""

from __future__ import annotations

from typing import get_args

from provider.chain import convert
from provider.chain import messages as ask


def test_every_message_has_a_wire_form() -> None:
    assert set(get_args(ask.Msg)) == set(convert._WRITERS)


def test_messages_are_values() -> None:
    for kind in get_args(ask.Msg):
        assert kind.__dataclass_params__.frozen
        assert kind.__dataclass_params__.eq
        assert "__dict__" not in dir(kind)
