from __future__ import annotations

import pytest

from manifests.render.isolation import (
    Isolation,
    container_security,
    namespace_labels,
    own_variables,
    pod_annotations,
    pod_security,
)

NOTHING = Isolation("", (), "", "", (), (), (), 0, "", "", 0, hide_gpus=False)


def test_all_of_it_is_on_unless_the_site_says_otherwise():
    shut = Isolation()
    assert pod_security(shut) == {"seccompProfile": {"type": "RuntimeDefault"}}
    assert container_security(shut) == {"capabilities": {"drop": ["MKNOD", "NET_RAW"]}}
    assert namespace_labels(shut) == {"pod-security.kubernetes.io/enforce": "baseline"}
    assert pod_annotations(shut) == {"qos.projectcalico.org/egressMaxConnections": "10000"}


def test_every_part_can_be_turned_off():
    assert pod_security(NOTHING) == container_security(NOTHING) == {}
    assert namespace_labels(NOTHING) == pod_annotations(NOTHING) == {}
    assert own_variables(["NVIDIA_VISIBLE_DEVICES=all"], 0, NOTHING) == (["NVIDIA_VISIBLE_DEVICES=all"], {})


def test_bandwidth_is_told_to_the_network():
    said = pod_annotations(Isolation(max_connections=0, ingress_bandwidth="1G", egress_bandwidth="200M"))
    assert said == {"kubernetes.io/ingress-bandwidth": "1G", "kubernetes.io/egress-bandwidth": "200M"}


@pytest.mark.parametrize(
    ("gpus", "given", "kept"),
    [
        (0, ["A=1"], ["A=1"]),
        (0, ["NVIDIA_VISIBLE_DEVICES=all", "A=1"], ["A=1"]),
        (1, ["NVIDIA_VISIBLE_DEVICES=all", "A=1"], ["A=1"]),
        (1, ["NVIDIA_IMEX_CHANNELS=0", "NVIDIA_DRIVER_CAPABILITIES=all"], ["NVIDIA_DRIVER_CAPABILITIES=all"]),
        (1, ["NVIDIA_VISIBLE_DEVICES"], []),
        (0, ["AMD_VISIBLE_DEVICES=all", "A=1"], ["A=1"]),
    ],
)
def test_a_tenant_cannot_choose_the_cards_of_others(gpus, given, kept):
    assert own_variables(given, gpus, Isolation()) == (kept, {})


def test_where_every_container_has_nvidia_s_runtime_those_without_cards_are_told_so():
    everywhere = Isolation(nvidia_runtime_for_all=True)
    assert own_variables(["A=1"], 0, everywhere) == (["A=1"], {"NVIDIA_VISIBLE_DEVICES": "void"})
    assert own_variables(["A=1"], 1, everywhere) == (["A=1"], {})
