from __future__ import annotations

from typing import Any

import pytest

from bidengine.reasons import Reason
from bidengine.rules.capabilities import capabilities

OURS = {
    "capabilities/storage/1/class": "beta3",
    "capabilities/storage/1/persistent": "true",
    "capabilities/storage/2/class": "ram",
    "capabilities/storage/2/persistent": "false",
    "capabilities/gpu/vendor/nvidia/model/a100": "true",
    "capabilities/gpu/vendor/nvidia/model/h100/ram/80Gi": "true",
}


@pytest.mark.parametrize(
    ("volumes", "models", "lacking"),
    [
        ([("", True)], [], ""),
        ([("beta3", True), ("ram", False)], [], ""),
        ([("beta2", True)], [], "storage for volume 'data'"),
        ([("ram", True)], [], "storage for volume 'data'"),  # the halves of two kinds make no third
        ([], ["a100"], ""),
        ([], ["*"], ""),
        ([], ["h100"], "capabilities/gpu/vendor/nvidia/model/h100"),  # published with its memory only
        ([], ["h100/ram/80Gi"], ""),
        ([], ["t4", "a100"], ""),
    ],
)
def test_what_our_attributes_must_publish(
    make: Any, volumes: list[tuple[str, bool]], models: list[str], lacking: str
) -> None:
    storage = [make.volume(1, c, persistent) for c, persistent in volumes]
    unit = make.unit(gpu=1 if models else 0, models=models, storage=storage)
    found = capabilities(make.order(make.group(unit)), make.us(OURS))
    assert (found is None) == (not lacking)
    if found is not None:
        assert lacking in found.detail
        assert (found.reason, found.final) == (Reason.CAPABILITY_MISSING, False)
