"""Values with a rule of their own; all others are held against recordings by the neighbours."""

from __future__ import annotations

import pytest

from provider.chain import wire
from provider.chain.convert import values


def test_a_notice_with_a_fraction_is_rounded_up() -> None:
    duration = wire.message("google.protobuf.Duration")(seconds=10, nanos=1)
    assert values.seconds(duration) == 11


def test_an_endpoint_nobody_can_serve_is_named() -> None:
    w = wire.message("akash.base.resources.v1beta4.Resources")(id=1)
    w.endpoints.add(kind=7)
    with pytest.raises(ValueError, match="endpoint kind 7"):
        values.resources(w)
