"""Epochs tick by the clock, one at a time."""

from __future__ import annotations

from typing import Any

import pytest

from provider.sandbox.chain.app import App, BlockAnswer
from provider.sandbox.chain.genesis import Genesis

SECOND = 10**9
START = 1_800_000_000


@pytest.fixture
def app() -> App:
    return App(Genesis.default({}, genesis_time_unix_ns=START * SECOND))


def told(answer: BlockAnswer) -> list[tuple[str, dict[str, str]]]:
    return [
        (e.type.rpartition("Epoch")[2], dict(e.attributes))
        for e in answer.block_events
        if e.type.startswith("akash.epochs")
    ]


def starts(number: int, at_s: int) -> tuple[str, dict[str, str]]:
    return "Start", {"epoch_number": f'"{number}"', "epoch_start_time": f'"{at_s}"', "mode": "BeginBlock"}


def test_all_four_start_with_the_first_block_at_the_time_of_the_genesis(app: App) -> None:
    assert told(app.deliver_block((START + 5) * SECOND, [])) == [starts(1, START)] * 4


@pytest.mark.parametrize(("after_s", "ends"), [(59, 0), (60, 0), (61, 1)])
def test_a_minute_ends_with_the_first_block_after_it(app: App, after_s: int, ends: int) -> None:
    app.deliver_block(START * SECOND, [])
    wanted: list[Any] = [("End", {"epoch_number": '"1"', "mode": "BeginBlock"}), starts(2, START + 60)]
    assert told(app.deliver_block((START + after_s) * SECOND, [])) == wanted[: 2 * ends]


def test_after_a_long_pause_each_block_makes_up_for_one(app: App) -> None:
    app.deliver_block(START * SECOND, [])
    for number in (2, 3, 4):
        answer = app.deliver_block((START + 200) * SECOND + number, [])
        assert told(answer)[-1] == starts(number, START + 60 * (number - 1))
    assert told(app.deliver_block((START + 210) * SECOND, [])) == []
