from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from provider.errors import ConfigError
from provider.lastgood import LastGood


def read(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        raise ConfigError(str(path), "no number", "Write one.") from None


def test_a_changed_file_is_taken_over(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("1")
    good = LastGood(file, read, 0)
    assert (good.current, good.look()) == (1, False)
    file.write_text("22")
    assert (good.look(), good.current) == (True, 22)


def test_one_that_cannot_be_used_never_replaces_what_works(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_text("1")
    good = LastGood(file, read, 0)
    file.write_text("rubbish")
    with capture_logs() as lines:
        assert (good.look(), good.current) == (False, 1)
        assert not good.look()
        file.unlink()
        assert (good.look(), good.current) == (False, 1)
    assert len(lines) == 2, "once for each change"
    file.write_text("333")
    assert (good.look(), good.current) == (True, 333)


def test_at_start_it_must_be_good(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no number"):
        LastGood(tmp_path / "absent", read, 0)


def test_no_file_is_asked_for() -> None:
    good = LastGood(None, read, 7)
    assert (good.look(), good.current) == (False, 7)
