"""A watched file: what is good replaces what was, what is not never does."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from manifests.errors import Invalid
from provider.errors import ConfigError
from provider.watched import Watched, parsed


def number(text: str) -> int:
    if not text.strip():
        raise Invalid("", "it is empty")
    if not text.strip().isdigit():
        raise Invalid("amount", f"{text!r} is not a number", value=text, line=3)
    return int(text)


def read(path: Path) -> int:
    return parsed(path, number, "number file", "Name another.", "Write a number.")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return put(tmp_path / "number", "1", 1)


def put(path: Path, text: str, stamp: int) -> Path:
    path.write_text(text)
    os.utime(path, ns=(stamp, stamp))
    return path


def watched(file: Path) -> Watched[int]:
    return Watched(file, read, "number file")


def test_a_change_is_taken_over_once(file: Path) -> None:
    found = watched(file)
    assert (found.current, found.look()) == (1, False)
    put(file, "2", 2)
    assert (found.look(), found.current, found.look()) == (True, 2, False)


def test_the_same_meaning_written_anew_is_no_change(file: Path) -> None:
    found = watched(file)
    put(file, "1 ", 2)
    assert not found.look()


@pytest.mark.parametrize("text", ["x", "", None], ids=["wrong", "empty", "gone"])
def test_what_is_not_good_leaves_the_last_good_one_and_is_told_once(file: Path, text: str | None) -> None:
    found = watched(file)
    if text is None:
        file.unlink()
    else:
        put(file, text, 2)
    with capture_logs() as logs:
        assert [found.look() for _ in range(3)] == [False] * 3
    assert found.current == 1
    assert [(entry["log_level"], entry["what"]) for entry in logs] == [("error", "number file")]
    put(file, "3", 3)
    assert (found.look(), found.current) == (True, 3)


def test_a_cure_that_leaves_no_mark_on_the_file_is_seen(file: Path) -> None:
    limit = [5]

    def limited(path: Path) -> int:
        if read(path) > limit[0]:
            raise ConfigError(str(path), "too much", "Raise the limit.")
        return read(path)

    found: Watched[Any] = Watched(file, limited, "number file")
    put(file, "9", 2)
    assert not found.look()
    limit[0] = 10
    assert (found.look(), found.current) == (True, 9)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "number: the number file cannot be read: No such file or directory. Name another."),
        (b"x", "number:3: amount: 'x' is not a number (found 'x'). Write a number."),
        (b"", "number: it is empty. Write a number."),
        (b"\xff", "number: byte 1 is not UTF-8. Save it as UTF-8 text."),
        (b"1" * (2 << 20), "number: the number file is larger than 1024 KiB. Write a number."),
    ],
    ids=["gone", "wrong", "empty", "no text", "huge"],
)
def test_without_a_good_one_to_begin_with_the_operator_is_told(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    if content is not None:
        (tmp_path / "number").write_bytes(content)
    with pytest.raises(ConfigError) as bad:
        watched(tmp_path / "number")
    assert told in str(bad.value)
