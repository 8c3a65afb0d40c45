"""What every test may use. Warnings are errors (pyproject); nothing here starts a server."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The shared reference data beside the checkout; tests that need it are skipped by name where it is missing."""
    found = ROOT.parent / "shared"
    if not found.is_dir():
        pytest.skip("the shared conformance data (../shared) is not beside this checkout")
    return found
