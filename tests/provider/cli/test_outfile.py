"""What cannot be written is told by name, and no directory is made for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from provider.cli.outfile import write_out
from provider.errors import ConfigError


def test_a_file_is_written_and_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for text in ("one", "two"):
        write_out(Path("out.csv"), text)
        assert (tmp_path / "out.csv").read_text() == text


@pytest.mark.parametrize(
    ("name", "words"),
    [("no/where/out.csv", r"no/where/out\.csv: there is no directory .*no/where"), ("taken", "taken: .*directory"),
     ("file/out.csv", r"file/out\.csv: there is no directory .*file"), ("x" * 300, "name too long")],
)  # fmt: skip
def test_what_cannot_be_written(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=f"(?i){words}"):
        write_out(tmp_path / name, "text")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "taken"]
