"""Blocks that contradict each other; the single rules are in the tests of their blocks."""

from __future__ import annotations

from typing import Any

import pytest

from manifests.errors import SdlInvalid
from manifests.sdl import compile_sdl


def test_one_service_with_an_address_cannot_be_in_two_placements(sdl: Any) -> None:
    text = sdl(top="endpoints: {front: {kind: ip}}").replace("- global: true", "- {global: true, ip: front}")
    two = text.replace("  placement:\n", "  placement:\n    there: {pricing: {small: {denom: uact, amount: 1}}}\n")
    two = two.replace("  app:\n    here:", "  app:\n    there: {profile: small, count: 1}\n    here:")
    with pytest.raises(SdlInvalid, match="already has this port"):
        compile_sdl(two)


def test_a_null_in_the_deployment_contributes_nothing(sdl: Any) -> None:
    assert len(compile_sdl(sdl() + "  idle:\n").groups) == 1
    with pytest.raises(SdlInvalid, match="compute profile ''"):
        compile_sdl(sdl().replace("  app:\n    here:", "  app:\n    east:\n    here:"))


def test_go_trims_what_python_would_not_and_not_what_python_would(compiled: Any, refused: Any) -> None:
    block = 'credentials: {host: h, username: u, password: "%s"}'
    assert "password" in refused(service=block % "\\u00a0\\u2003").message
    kept = compiled(version="2.1", service=block % "\\x1cp\\x1f").manifest[0].services[0].credentials.password
    assert kept == "\x1cp\x1f"
