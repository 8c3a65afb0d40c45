from __future__ import annotations

from dataclasses import replace

from provider.sandbox.cluster.kinds import BUILT_IN, DEPLOYMENTS, NAMESPACES, PODS, SERVICES, Kind, Kinds

V1 = Kind("akash.network", "v1", "manifests", "Manifest", custom=True)
V2 = replace(V1, version="v2")


def test_names_of_a_kind() -> None:
    assert (PODS.api_version, PODS.resource, PODS.path) == ("v1", "pods", "/api/v1")
    assert DEPLOYMENTS.api_version == "apps/v1"
    assert DEPLOYMENTS.resource == "deployments.apps"
    assert DEPLOYMENTS.path == "/apis/apps/v1"
    assert not NAMESPACES.namespaced


def test_found_by_path_or_by_what_an_object_says() -> None:
    kinds = Kinds()
    assert kinds.find("", "v1", "services") is SERVICES
    assert kinds.find("apps", "v1beta1", "deployments") is None
    assert kinds.by_kind("apps/v1", "Deployment") is DEPLOYMENTS
    assert kinds.by_kind("v1", "Deployment") is None


def test_no_two_kinds_share_a_path() -> None:
    """Else one would hide the other."""
    assert len(Kinds().all()) == len(BUILT_IN)


def test_a_definition_comes_changes_and_goes() -> None:
    kinds = Kinds()
    kinds.serve("akash.network", "manifests", [V1])
    kinds.serve("akash.network", "providerhosts", [replace(V1, plural="providerhosts", kind="ProviderHost")])
    kinds.serve("akash.network", "manifests", [V2])
    assert kinds.find("akash.network", "v1", "manifests") is None
    assert kinds.find("akash.network", "v2", "manifests") is V2
    kinds.serve("akash.network", "manifests", [])
    assert kinds.by_kind("akash.network/v2", "Manifest") is None
    assert kinds.find("akash.network", "v1", "providerhosts") is not None
