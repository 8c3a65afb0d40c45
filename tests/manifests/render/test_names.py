from __future__ import annotations

import pytest

from manifests.ids import LeaseID, lease_namespace
from manifests.render import names

LEASE = LeaseID("akash1owner", 1234, 1, 2, "akash1provider")


def test_the_labels_of_a_lease_lead_back_to_it():
    assert names.lease_of(names.lease_labels(LEASE)) == LEASE


@pytest.mark.parametrize(
    ("case", "change"),
    {
        "one is missing": {names.LEASE_OSEQ: None},
        "one is empty": {names.LEASE_OWNER: ""},
        "not a number": {names.LEASE_DSEQ: "12x"},
        "more than a number": {names.LEASE_DSEQ: "1/2"},
    }.items(),
)
def test_labels_that_make_no_sense_belong_to_no_lease(case, change):
    labels = {k: v for k, v in (names.lease_labels(LEASE) | change).items() if v is not None}
    assert names.lease_of(labels) is None


def test_the_selector_of_a_lease_names_all_five_parts():
    assert names.lease_selector(LEASE) == (
        "akash.network=true,akash.network/lease.id.dseq=1234,akash.network/lease.id.gseq=1,"
        "akash.network/lease.id.oseq=2,akash.network/lease.id.owner=akash1owner,"
        "akash.network/lease.id.provider=akash1provider"
    )


def test_the_selector_of_a_workload_says_nothing_that_could_change():
    assert names.pod_labels(LEASE, "web") == {
        "akash.network": "true",
        "akash.network/namespace": lease_namespace(LEASE),
        "akash.network/manifest-service": "web",
    }


def test_objects_of_a_service_are_labelled_with_it_and_others_are_not():
    assert names.metadata(LEASE, "web-np", "7", "web")["labels"][names.SERVICE] == "web"
    assert names.SERVICE not in names.metadata(LEASE, "akash-web-np", "7")["labels"]


@pytest.mark.parametrize(
    ("service", "volume", "expected"),
    [
        ("web", "data", "web-data"),
        ("db", "a" * 60, "db-" + "a" * 60),
        ("db", "a" * 61, None),
        ("db", "My_Data", None),
        ("db", "data.", None),
        ("s" * 52, "data-of-the-tenant", None),
    ],
)
def test_a_volume_has_the_reference_s_name_unless_kubernetes_would_refuse_it(service, volume, expected):
    name = names.volume(service, volume)
    assert name == (expected or name)
    assert len(name) <= 63
    assert name.replace("-", "").isalnum()
    assert name == name.lower()
    assert expected or name != names.volume(service, volume + "x"), "two odd names stay apart"
