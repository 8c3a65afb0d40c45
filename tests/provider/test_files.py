"""A file written whole: old or new, never half."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.files import write_whole


def test_it_is_made_with_its_directory_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "a" / "list.txt"
    write_whole(path, "one\n")
    write_whole(path, "é\n")
    assert path.read_text() == "é\n"
    assert [p.name for p in path.parent.iterdir()] == ["list.txt"]


def test_its_mode_stays_and_a_link_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o640)
    link.symlink_to(real)
    write_whole(link, "new")
    assert link.is_symlink()
    assert real.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_what_cannot_be_written_leaves_the_old_text_and_no_rubbish(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    write_whole(path, "old")
    with pytest.raises(UnicodeEncodeError):
        write_whole(path, "\ud800")
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["list.txt"]
