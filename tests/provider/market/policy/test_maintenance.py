"""The switch: it is a file, so it outlives everything and needs nobody to be turned."""

from __future__ import annotations

from pathlib import Path

from provider.market.policy.maintenance import Maintenance


def test_it_is_off_until_turned_on_and_stays_on_over_a_restart(tmp_path: Path) -> None:
    running, command = Maintenance(tmp_path), Maintenance(tmp_path)
    assert (running.on, running.look()) == (False, False)
    command.turn(True, "new switches")
    assert (running.look(), running.on, running.why, running.look()) == (True, True, "new switches", False)
    assert Maintenance(tmp_path).on, "after a restart"
    command.turn(False)
    command.turn(False)
    assert (running.look(), running.on) == (True, False)


def test_a_file_made_by_hand_will_do(tmp_path: Path) -> None:
    (tmp_path / "maintenance").touch()
    assert (Maintenance(tmp_path).on, Maintenance(tmp_path).why) == (True, "")
    (tmp_path / "maintenance").write_bytes(b"moving \xff\n house" + b"x" * 10_000)
    assert Maintenance(tmp_path).why.startswith("moving \ufffd house")
    assert len(Maintenance(tmp_path).why) <= 200


def test_what_cannot_be_read_pauses_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "maintenance").mkdir()
    found = Maintenance(tmp_path)
    assert found.on
    assert "cannot be read" in found.why


def test_without_a_data_directory_it_is_off(tmp_path: Path) -> None:
    assert not Maintenance(tmp_path / "none").on
