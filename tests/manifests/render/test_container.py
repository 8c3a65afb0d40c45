from __future__ import annotations

from dataclasses import replace

import pytest

from bidengine.commit import request
from manifests.errors import PlanInvalid
from manifests.gpus import GpuModel
from manifests.render.container import committed, container, environment, resources
from manifests.render.isolation import Isolation
from manifests.render.site import DEFAULT_PLAN, ServicePlan

OURS = {
    "AKASH_GROUP_SEQUENCE": "1",
    "AKASH_DEPLOYMENT_SEQUENCE": "1234",
    "AKASH_ORDER_SEQUENCE": "1",
    "AKASH_OWNER": "akash1owner",
    "AKASH_PROVIDER": "akash1provider",
    "AKASH_CLUSTER_PUBLIC_HOSTNAME": "provider.example.net",
}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (None, {}),
        (("A=b=c",), {"A": "b=c"}),
        (("EMPTY", "ALSO="), {"EMPTY": None, "ALSO": None}),
        (("AKASH_OWNER=mine",), {"AKASH_OWNER": "mine"}),
        (("A=1", "B=$(A)", "A=2"), {"B": "$(A)", "A": "2"}),
    ],
)
def test_the_tenant_s_variables_come_first_and_win(build, lease, site, given, expected):
    found = environment(lease, build.service(env=given), site)
    assert list({**expected, **{k: v for k, v in OURS.items() if k not in expected}}.items()) == [
        (e["name"], e.get("value")) for e in found
    ]


def test_ports_are_listed_once_each_by_number_and_protocol(build, lease, site):
    dns = build.service(
        "dns", build.expose(53), build.expose(53, proto="UDP"), build.expose(53, 5353), build.expose(80, to="x")
    )
    assert container(lease, dns, DEFAULT_PLAN, site)["ports"] == [
        {"containerPort": 53, "protocol": "TCP"},
        {"containerPort": 53, "protocol": "UDP"},
        {"containerPort": 80, "protocol": "TCP"},
    ]


def test_command_and_arguments_are_passed_on_word_for_word(build, lease, site):
    out = container(lease, build.service(command=("sh", "-c"), args=('echo "x y"',)), DEFAULT_PLAN, site)
    assert (out["command"], out["args"]) == (["sh", "-c"], ['echo "x y"'])
    bare = container(lease, build.service(command=(), args=None), DEFAULT_PLAN, site)
    assert not {"command", "args", "ports", "volumeMounts"} & set(bare)


def test_no_container_may_gain_privileges(build, lease, site):
    security = container(lease, build.service(), DEFAULT_PLAN, site)["securityContext"]
    assert security == {
        "runAsNonRoot": False,
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["MKNOD", "NET_RAW"]},
    }


def test_disk_that_nobody_bought_is_bounded_and_not_reserved(build, site):
    service = build.service(resources=build.resources(build.persistent("data")))
    found = resources(service, DEFAULT_PLAN, site)
    assert (found["limits"]["ephemeral-storage"], found["requests"]["ephemeral-storage"]) == ("1073741824", "0")
    free = replace(site, isolation=Isolation(unbought_disk_bytes=0))
    assert "ephemeral-storage" not in resources(service, DEFAULT_PLAN, free)["limits"]


def test_without_overcommit_what_was_bought_is_reserved(build, site):
    web = build.service(resources=build.resources(build.volume("default", 10**9), cpu_milli=1500))
    exactly = {"cpu": "1500m", "memory": "536870912", "ephemeral-storage": "1G"}
    assert resources(web, DEFAULT_PLAN, site) == {"limits": exactly, "requests": exactly}


def test_overcommit_is_a_true_percentage_of_cpu_memory_and_disk(build, site):
    half_more = replace(site, overcommit_cpu_percent=50, overcommit_memory_percent=50, overcommit_storage_percent=50)
    web = build.service(resources=build.resources(build.volume("default", 300), cpu_milli=1500, memory_bytes=900))
    assert resources(web, DEFAULT_PLAN, half_more) == {
        "limits": {"cpu": "1500m", "memory": "900", "ephemeral-storage": "300"},
        "requests": {"cpu": "1", "memory": "600", "ephemeral-storage": "200"},
    }


def test_ram_volumes_are_memory_in_the_limit_and_in_full_in_the_request(build, site):
    double = replace(site, overcommit_memory_percent=100)
    web = build.service(resources=build.resources(build.volume("d"), build.ram("shm", 512), memory_bytes=2048))
    found = resources(web, DEFAULT_PLAN, double)
    assert (found["limits"]["memory"], found["requests"]["memory"]) == ("2560", "1536")


def test_several_plain_volumes_add_up_on_the_node_s_disk(build, site):
    web = build.service(resources=build.resources(build.volume("a", 100), build.volume("b", 20)))
    assert resources(web, DEFAULT_PLAN, site)["limits"]["ephemeral-storage"] == "120"


def test_cards_are_asked_for_by_the_resource_of_their_vendor(build, site):
    train = build.service(resources=build.resources(gpu=2))
    found = resources(train, ServicePlan("", GpuModel("amd", "mi300x")), site)
    assert found["limits"]["amd.com/gpu"] == found["requests"]["amd.com/gpu"] == "2"


def test_cards_without_a_plan_are_refused_by_name_and_not_as_the_tenants_fault(build, site):
    with pytest.raises(PlanInvalid) as no:
        resources(build.service("train", resources=build.resources(gpu=1)), DEFAULT_PLAN, site)
    assert no.value.path == "services.train.resources.gpu"


@pytest.mark.parametrize(
    ("amount", "percent", "expected"),
    [(100, 0, 100), (100, 100, 50), (1, 100, 1), (1, 900, 1), (5, 100, 3), (15, 50, 10), (1000, 25, 800), (0, 50, 0)],
)
def test_halves_are_rounded_up_and_something_stays_something(amount, percent, expected):
    assert committed(amount, percent) == expected


def test_what_a_pod_requests_is_what_the_bid_engine_reserved():
    for percent in (0, 1, 33, 50, 100, 150, 999):
        for amount in (0, 1, 2, 99, 1500, 10**9 + 7):
            assert committed(amount, percent) == request(amount, percent)
