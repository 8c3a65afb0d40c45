from __future__ import annotations

import pytest

from provider.cluster.inventory.gpuresources import vendor_of


@pytest.mark.parametrize(
    ("resource", "vendor"),
    [
        ("nvidia.com/gpu", "nvidia"),
        ("nvidia.com/gpu.shared", "nvidia"),
        ("nvidia.com/mig-1g.10gb", "nvidia"),
        ("nvidia.com/mig-1g.10gb.me", "nvidia"),
        ("amd.com/gpu", "amd"),
        ("amd.com/cpx_nps4", "amd"),
        ("gpu.intel.com/i915", "intel"),
        ("gpu.intel.com/xe", "intel"),
        ("gpu.intel.com/i915_monitoring", ""),
        ("gpu.intel.com/millicores", ""),
        ("nvidia.com/gpumem", ""),
        ("cpu", ""),
        ("rdma/hca", ""),
    ],
)
def test_whose_resource(resource: str, vendor: str) -> None:
    assert vendor_of(resource) == vendor
