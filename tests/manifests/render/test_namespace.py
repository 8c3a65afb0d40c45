from __future__ import annotations

from dataclasses import replace

from manifests.ids import lease_namespace
from manifests.render import names
from manifests.render.isolation import Isolation
from manifests.render.namespace import namespace


def test_it_is_called_after_the_lease_and_says_whose_it_is(lease, site):
    made = namespace(lease, site, "7")
    assert made["metadata"]["name"] == lease_namespace(lease)
    assert names.lease_of(made["metadata"]["labels"]) == lease


def test_the_api_server_looks_at_its_pods_a_second_time(lease, site):
    enforced = "pod-security.kubernetes.io/enforce"
    assert namespace(lease, site, "7")["metadata"]["labels"][enforced] == "baseline"
    open_ = replace(site, isolation=Isolation(pod_security=""))
    assert enforced not in namespace(lease, open_, "7")["metadata"]["labels"]
