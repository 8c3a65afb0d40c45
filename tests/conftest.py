"""What every test may use. Warnings are errors (pyproject); nothing here starts a server.

Property tests try the same examples in every run, for as long as a slow machine needs; `--hypothesis-profile=search`
tries five times as many others.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
settings.register_profile("search", settings.get_profile("suite"), derandomize=False, max_examples=500)
settings.load_profile("suite")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared reference data beside the checkout; tests that need it are skipped by name where it is missing."""
    found = ROOT.parent / "shared"
    if not found.is_dir():
        pytest.skip("the shared conformance data (../shared) is not beside this checkout")
    return found
