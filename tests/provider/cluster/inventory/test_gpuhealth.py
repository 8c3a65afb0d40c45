from __future__ import annotations

import pytest

from provider.cluster.inventory.gpuhealth import sickness


@pytest.mark.parametrize(
    ("kind", "status", "sick"),
    [
        ("GpuUnhealthy", "True", True),
        ("GpuUnhealthy", "False", False),
        ("GpuUnhealthy", "Unknown", False),
        ("AMDGPUUnhealthy", "True", True),
        ("NvidiaGPUUnhealthy", "True", True),
        ("UnhealthyNvidiaDevicePlugin", "True", True),
        ("GPUMissing", "True", True),
        ("XIDErrors", "True", True),
        ("NVLinkStatusInactive", "True", True),
        ("GpuMemWatch", "True", True),
        ("AcceleratedHardwareReady", "False", True),
        ("AcceleratedHardwareReady", "True", False),
        ("GPUHealthy", "False", True),
        ("GPUHealthy", "True", False),
        ("GpuDriverInstalled", "True", False),
        ("KernelDeadlock", "True", False),
        ("Ready", "False", False),
    ],
)
def test_conditions_of_problem_detectors(kind: str, status: str, sick: bool) -> None:
    found = sickness({}, {}, [{"type": kind, "status": status, "message": "Xid 94"}])
    assert bool(found) is sick
    assert not sick or (kind in found and "Xid 94" in found)


@pytest.mark.parametrize(
    ("labels", "annotations", "sick"),
    [
        ({"akash.network/gpu": "sick"}, {}, True),
        ({}, {"akash.network/gpu": "sick"}, True),
        ({"akash.network/gpu": "ok"}, {}, False),
        ({}, {}, False),
    ],
)
def test_an_operator_marks_them(labels: dict[str, str], annotations: dict[str, str], sick: bool) -> None:
    assert bool(sickness(labels, annotations, [])) is sick
