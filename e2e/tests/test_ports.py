"""Ports that are told to one who asks and not to the next."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from e2e.cluster.controlplane import free_ports

HERE = "127.0.0.77"  # where nobody else is


def test_nobody_is_told_a_port_of_another_nor_one_that_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AKP_CACHE", str(tmp_path))
    first = free_ports(HERE, 3)
    with socket.create_server((HERE, max(first) + 1)):
        then = free_ports(HERE, 3)
    assert len({*first, *then}) == 6
    assert max(first) + 1 not in then


def test_a_note_that_was_cut_off_is_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AKP_CACHE", str(tmp_path))
    (tmp_path / "last-port").write_text("")
    assert len(free_ports(HERE, 2)) == 2
