from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.manifest import Params, StorageParams
from manifests.render.storage import claim_templates, claimed, claims, in_memory, on_disk, pod_volumes, volume_mounts


def test_each_volume_is_one_of_three_kinds(build):
    volumes = {
        "root": build.volume("root"),
        "data": build.persistent("data"),
        "shm": build.ram("shm"),
        "quick": build.volume("quick", class_="ram"),  # `persistent` left out: memory all the same
        "odd": build.volume("odd", class_="beta1", persistent="false"),
    }
    web = build.service(resources=build.resources(*volumes.values()))
    assert [v.name for v in claimed(web)] == ["data"]
    assert [v.name for v in in_memory(web)] == ["shm", "quick"]
    assert [v.name for v in on_disk(web)] == ["root", "odd"]


def test_a_ram_volume_is_an_empty_dir_in_memory_mounted_or_not(build):
    web = build.service(resources=build.resources(build.volume("default"), build.ram("shm", 1 << 30)))
    assert pod_volumes(web) == [{"name": "web-shm", "emptyDir": {"medium": "Memory", "sizeLimit": "1073741824"}}]


def test_the_unnamed_disk_is_no_volume_until_it_is_mounted(build):
    resources = build.resources(build.volume("default", 1 << 30))
    assert pod_volumes(build.service(resources=resources)) == []
    mounted = build.service(resources=resources, params=build.mounts(("default", "/cache")))
    assert pod_volumes(mounted) == [{"name": "web-default", "emptyDir": {"sizeLimit": "1073741824"}}]
    assert volume_mounts(mounted) == [{"name": "web-default", "mountPath": "/cache"}]


@pytest.mark.parametrize("path", ["", "/"])
def test_a_mount_without_a_path_or_over_the_whole_image_is_left_out(build, path):
    web = build.service(params=build.mounts(("default", path)))
    assert volume_mounts(web) == []
    assert pod_volumes(web) == []


def test_read_only_is_said_only_where_it_is_so(build):
    mounts = (StorageParams("data", "/data", False), StorageParams("conf", "/etc/conf", True))
    resources = build.resources(build.persistent("data"), build.persistent("conf"))
    assert volume_mounts(build.service("db", resources=resources, params=Params(mounts))) == [
        {"name": "db-data", "mountPath": "/data"},
        {"name": "db-conf", "mountPath": "/etc/conf", "readOnly": True},
    ]


@pytest.mark.parametrize(("class_", "named"), [("beta3", {"storageClassName": "beta3"}), ("default", {}), ("", {})])
def test_a_claim_names_its_class_unless_it_is_the_cluster_s_default(build, site, class_, named):
    db = build.service("db", resources=build.resources(build.persistent("data", class_, 10**9)))
    assert claim_templates(db, site) == [
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "db-data"},
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "volumeMode": "Filesystem",
                "resources": {"requests": {"storage": "1G"}},
                **named,
            },
        }
    ]


@pytest.mark.parametrize(
    ("class_", "named"), [("beta3", "fast"), ("beta2", "beta2"), ("default", "cheap"), ("", "cheap")]
)
def test_a_claim_names_the_class_that_stands_behind_what_was_asked(build, site, class_, named):
    mapped = replace(site, storage_classes={"beta3": "fast", "default": "cheap"})
    db = build.service("db", resources=build.resources(build.persistent("data", class_)))
    (claim,) = claim_templates(db, mapped)
    assert claim["spec"]["storageClassName"] == named


def test_each_replica_has_a_claim_of_each_persistent_volume(build):
    volumes = build.resources(
        build.volume("root"), build.persistent("data", "beta3", 5), build.persistent("log", "", 3)
    )
    db = build.service("db", resources=volumes, count=2)
    assert claims(db) == {"db-data-db-0": 5, "db-data-db-1": 5, "db-log-db-0": 3, "db-log-db-1": 3}
    assert claims(build.service("web")) == {}
