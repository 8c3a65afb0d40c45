from __future__ import annotations

import pytest

from manifests.render.mountpoints import LONGEST, mount_trouble


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/data",
        "/data/",
        "/var/lib/db",
        "/dev/shm",
        "/dev/shm/",
        "/devices",
        "/etc",
        "/root/.cache",
    ],
)
def test_ordinary_paths_are_fine(path):
    assert mount_trouble(path) == ""


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("data", "no absolute path"),
        ("./data", "no absolute path"),
        ("/data/../proc", "leads upwards"),
        ("/..", "leads upwards"),
        ("/proc", "kernel"),
        ("/proc/sys/kernel", "kernel"),
        ("//proc", "kernel"),
        ("/./proc/", "kernel"),
        ("/sys/fs/cgroup", "kernel"),
        ("/dev", "kernel"),
        ("/dev/shm/x", "kernel"),
        ("/dev/nvidia0", "kernel"),
        ("//", "root"),
        ("/.", "root"),
        ("/var/run/secrets/kubernetes.io/serviceaccount", "tokens"),
        ("/run/secrets/kubernetes.io", "tokens"),
        ("/a:b", "colon"),
        ("/a\nb", "control character"),
        ("/" + "a" * LONGEST, "longer"),
    ],
)
def test_these_are_refused_with_a_reason(path, why):
    assert why in mount_trouble(path)
