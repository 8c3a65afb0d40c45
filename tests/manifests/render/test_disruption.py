from __future__ import annotations

from dataclasses import replace

import pytest

from manifests.render import names
from manifests.render.disruption import disruption_budget


def test_a_drain_takes_one_replica_at_a_time_and_is_never_held_up(build, lease, site):
    (made,) = disruption_budget(lease, build.service(count=3), site, "7")
    assert (made["apiVersion"], made["metadata"]["name"]) == ("policy/v1", "web")
    assert made["spec"] == {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": names.pod_labels(lease, "web")},
    }


@pytest.mark.parametrize("count", [0, 1])
def test_one_replica_has_none(build, lease, site, count):
    assert disruption_budget(lease, build.service(count=count), site, "7") == []


def test_a_site_may_do_without(build, lease, site):
    assert disruption_budget(lease, build.service(count=3), replace(site, disruption_budgets=False), "7") == []
