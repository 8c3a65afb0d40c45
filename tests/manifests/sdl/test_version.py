"""Which rules a version means."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("version", ["2", "2.0", "2.0.0", "v2.0", "02.0", "2.00", "2.0.0+b", " 2.0"])
def test_rules_2_0(compiled: Any, version: str) -> None:
    credentials = compiled(version=version, service="credentials: {host: h, email: e, username: u, password: p}")
    assert credentials.manifest[0].services[0].credentials.email == ""


@pytest.mark.parametrize("version", ["2.1", "2.1.5", "2.2", "3.0", "10.0", "2.1.1-rc1", "3.0.0-rc.1+b"])
def test_rules_2_1(compiled: Any, version: str) -> None:
    credentials = compiled(version=version, service="credentials: {host: h, email: e, username: u, password: p}")
    assert credentials.manifest[0].services[0].credentials.email == "e"


@pytest.mark.parametrize(
    "version", ["2.0.1", "1.0", "2.1.0-rc1", "abc", "2.0-x", "", "2.1.0-", "2.0.0.0", "2.0.0-01", "-2", "9" * 30]
)
def test_versions_refused(refused: Any, version: str) -> None:
    assert (refused(version=version).path, refused(version=version).line) == ("version", 1)
