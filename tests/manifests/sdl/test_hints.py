"""Cures for real mistakes."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl.hints import hint


@pytest.mark.parametrize(
    ("parts", "cure"),
    [
        ({"memory": "512Mb"}, "write 512Mi"),
        ({"memory": "1.5GB"}, "write 1.5Gi"),
        ({"memory": "2gi"}, "write 2Gi"),
        ({"memory": '"512 Mi"'}, "write 512Mi"),
        ({"storage": "size: 10gb"}, "write 10Gi"),
        ({"top": "deploymentz: {}"}, "was deployment meant?"),
        ({"top": "x-common: {}"}, "blocks of one's own"),
        ({"service": "env: A=b"}, "behind a dash"),
        ({"count": "0"}, "above 0"),
        ({"expose": "accept: [a.com, a.com]"}, "split the expose"),
        ({"denom": "x"}, "denom: uact"),
        ({"service": "env:\n- a\n\t- b: c"}, "a tab"),
        ({"service": "env:\n- @a"}, "in quotes"),
    ],
)
def test_hints(refused: Any, parts: dict[str, str], cure: str) -> None:
    assert cure in (hint(refused(**parts)) or "")


def test_where_nothing_can_be_guessed_nothing_is_said() -> None:
    assert hint(SdlInvalid("a.b", "must be absolute")) is None
