"""Two nodes, one truth: a table of what they say."""

from __future__ import annotations

from typing import Any

import pytest

from provider.chain.confirm import confirmed
from provider.errors import NotFound, Retry, Unreachable

GONE, AWAY = NotFound("lease not found"), Unreachable("refused")


def nodes(*answers: Any) -> tuple[list[Any], list[str]]:
    """One per answer, and who was asked."""
    asked: list[str] = []

    def one(name: str, answer: Any) -> Any:
        async def ask() -> Any:
            asked.append(name)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    return [(f"n{n}", one(f"n{n}", answer)) for n, answer in enumerate(answers)], asked


@pytest.mark.parametrize(
    ("answers", "found", "asks"),
    [
        pytest.param(["closed"], "closed", 1, id="one alone is believed"),
        pytest.param(["closed", "closed"], "closed", 2, id="both say so"),
        pytest.param(["closed", "closed", "active"], "closed", 2, id="two are enough"),
        pytest.param([AWAY, "closed", "closed"], "closed", 3, id="the next one for a silent one"),
    ],
)
async def test_what_is_confirmed(answers: list[Any], found: str, asks: int) -> None:
    asked_of, asked = nodes(*answers)
    assert await confirmed(asked_of, alike=str) == found
    assert len(asked) == asks


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        pytest.param(["closed", "active"], "n0 says closed, n1 says active", id="they disagree"),
        pytest.param(["closed", GONE], "n1 says not found", id="one knows nothing of it"),
        pytest.param(["closed", AWAY], "no second node.*n1: refused", id="the second is silent"),
        pytest.param([AWAY, "closed"], "no second node.*n0: refused", id="the first is silent"),
        pytest.param([AWAY, AWAY], "no second node.*n0: refused; n1: refused", id="nobody is there"),
        pytest.param([AWAY], "^refused$", id="the only one is silent"),
    ],
)
async def test_what_is_not(answers: list[Any], why: str) -> None:
    with pytest.raises(Retry, match=why):
        await confirmed(nodes(*answers)[0], alike=str)


@pytest.mark.parametrize("answers", [[GONE], [GONE, GONE], [GONE, AWAY, GONE]])
async def test_that_it_is_unknown_is_confirmed_too(answers: list[Any]) -> None:
    with pytest.raises(NotFound):
        await confirmed(nodes(*answers)[0], alike=str)


async def test_only_what_matters_must_be_alike() -> None:
    assert await confirmed(nodes(("closed", 1), ("closed", 2))[0], alike=lambda answer: answer[0]) == ("closed", 1)
