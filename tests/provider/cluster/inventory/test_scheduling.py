from __future__ import annotations

from typing import Any

import pytest

from provider.cluster.inventory.scheduling import ANYWHERE, Taint, hard_taints, scheduling

GPU = Taint("nvidia.com/gpu", "present", "NoSchedule")
EVICTS = Taint("nvidia.com/gpu", "present", "NoExecute")


def kata(**said: Any) -> Any:
    return scheduling({"metadata": {"name": "kata"}, "handler": "kata", "scheduling": said})


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ({"kata": "yes", "zone": "a"}, ""),
        ({"kata": "yes"}, "RuntimeClass 'kata' is for nodes with the label zone=a"),
        ({"kata": "no", "zone": "a"}, "RuntimeClass 'kata' is for nodes with the label kata=yes"),
        ({}, "RuntimeClass 'kata' is for nodes with the label kata=yes"),
    ],
    ids=["both", "one of two", "another value", "none"],
)
def test_a_node_must_carry_all_labels_of_the_class(labels: dict[str, str], why: str) -> None:
    assert kata(nodeSelector={"zone": "a", "kata": "yes"}).why_not("kata", labels, ()) == why


@pytest.mark.parametrize(
    ("toleration", "taint", "tolerated"),
    [
        ({"key": GPU.key, "operator": "Exists"}, GPU, True),
        ({"key": GPU.key, "operator": "Exists", "effect": "NoSchedule"}, GPU, True),
        ({"key": GPU.key, "operator": "Exists", "effect": "NoSchedule"}, EVICTS, False),
        ({"key": GPU.key, "operator": "Equal", "value": "present"}, GPU, True),
        ({"key": GPU.key, "value": "present"}, GPU, True),
        ({"key": GPU.key, "value": "absent"}, GPU, False),
        ({"key": GPU.key}, GPU, False),
        ({"operator": "Exists"}, EVICTS, True),
        ({"key": "other", "operator": "Exists"}, GPU, False),
        ({"key": GPU.key, "operator": "Exists", "tolerationSeconds": 0}, EVICTS, False),
        ({"key": GPU.key, "operator": "Gt", "value": "1"}, GPU, False),
    ],
    ids=["any value", "its effect", "another effect", "its value", "equal is the default", "another value", "no value",
         "whatever there is", "another taint", "for a while only", "compared as numbers"],
)  # fmt: skip
def test_what_a_class_tolerates(toleration: dict[str, Any], taint: Taint, tolerated: bool) -> None:
    why = kata(tolerations=[toleration]).why_not("kata", {}, [taint])
    assert why == ("" if tolerated else "taint nvidia.com/gpu, which RuntimeClass 'kata' does not tolerate")


def test_every_taint_must_be_tolerated() -> None:
    of = kata(tolerations=[{"key": GPU.key, "operator": "Exists"}])
    assert of.why_not("kata", {}, [GPU, Taint("mine", "", "NoSchedule")]).startswith("taint mine")


def test_a_class_that_says_nothing_tolerates_nothing_and_selects_all() -> None:
    for said in (ANYWHERE, kata(), scheduling({"scheduling": None}), kata(nodeSelector=None, tolerations=None)):
        assert said.why_not("", {}, ()) == ""
        assert said.why_not("", {}, [GPU]) == "taint nvidia.com/gpu"


def test_a_mere_preference_is_no_taint_that_counts() -> None:
    found = [{"key": "a", "effect": "PreferNoSchedule"}, {"key": "b", "effect": "NoExecute"}]
    assert hard_taints({"taints": found}) == (Taint("b", "", "NoExecute"),)
    assert hard_taints({}) == ()
