"""A script's words, of which the last may get lost on their way."""

from __future__ import annotations

import subprocess

import pytest

from e2e.cluster.said import all_said, saying_so


@pytest.mark.parametrize(
    ("script", "told"),
    [("echo 42", "42\n"), ("printf 42", "42"), ("true", ""), ("echo a; echo b", "a\nb\n"), ("false", "")],
)
def test_all_of_it_is_told_or_nothing(script: str, told: str) -> None:
    output = subprocess.run(["sh", "-c", saying_so(script)], capture_output=True, text=True, check=True).stdout
    assert all_said(output) == told
    assert [all_said(output[:end]) for end in range(len(output))] == [None] * len(output)
