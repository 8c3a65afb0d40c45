"""Which images may run: what a reference really names, patterns, and the words of a refusal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from manifests.errors import ManifestInvalid
from manifests.images import ImagePolicy, check_images, objection, valid_pattern
from manifests.sdl import compile_sdl

DIGEST = "sha256:" + "a" * 64
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.mark.parametrize(
    ("image", "pattern", "same"),
    [
        ("nginx", "docker.io/library/nginx", True),
        ("nginx:1.27", "docker.io/library/nginx", True),
        (f"nginx:1.27@{DIGEST}", "docker.io/library/nginx", True),
        ("foo.bar:1", "docker.io/library/foo.bar", True),
        ("host:5000", "docker.io/library/host", True),
        ("acme/app", "docker.io/acme/app", True),
        ("docker.io/nginx", "docker.io/library/nginx", True),
        ("index.docker.io/nginx", "docker.io", True),
        ("registry-1.docker.io/acme/app", "docker.io/acme/*", True),
        ("Docker.IO/acme/app", "docker.io", True),
        ("ghcr.io:443/acme/app", "ghcr.io", True),
        ("ghcr.io:0443/acme/app", "ghcr.io", True),
        ("ghcr.io./acme/app", "ghcr.io", True),
        ("ghcr.io:8443/acme/app", "ghcr.io", False),
        ("ghcr.io.evil.test/acme/app", "ghcr.io", False),
        ("evil.test/ghcr.io/app", "ghcr.io", False),
        ("ghcr.io/acme/a/b/c", "ghcr.io", True),
        ("ghcr.io/acme/a/b/c", "ghcr.io/acme", False),
        ("ghcr.io/acme/a/b/c", "ghcr.io/acme/*", False),
        ("ghcr.io/acme/a/b/c", "ghcr.io/acme/**", True),
        ("ghcr.io/acme/a/b/c", "ghcr.io/**/c", True),
        ("ghcr.io/acme", "ghcr.io/**/acme", True),
        ("pay/xmrig-arm", "**/xmrig*", True),
        ("ghcr.io/pay/xmrig-arm", "**/xmrig*", True),
        ("ghcr.io/pay/tools", "**/xmrig*", False),
        ("quay.io/a/b", "*.io", True),
        ("[::1]:5000/x", "**", True),
        ("localhost/x", "localhost", True),
    ],
)
def test_what_a_pattern_means(image: str, pattern: str, same: bool) -> None:
    assert valid_pattern(pattern)
    assert (objection(image, ImagePolicy(deny=(pattern,))) is not None) is same
    assert (objection(image, ImagePolicy(allow=(pattern,))) is None) is same


@pytest.mark.parametrize(
    "image",
    ["", "/", "x//y", "a/B", "a:b:c", "a:", "a@sha256:12", f"a@{DIGEST}0", "a b", "é", "a/../b", "-a", "a" * 600],
)
def test_what_is_no_reference_is_refused_wherever_there_is_a_policy(image: str) -> None:
    assert "not a reference" in (objection(image, ImagePolicy(deny=("quay.io",))) or "")
    assert objection(image, ImagePolicy()) is None, "without one it is the cluster's to say"


@pytest.mark.parametrize(
    ("policy", "image", "told"),
    [
        (ImagePolicy(), "nginx", None),
        (ImagePolicy(allow=("docker.io",), deny=("docker.io/library/*",)), "nginx", "images.deny: docker.io/library/*"),
        (ImagePolicy(allow=("docker.io",), deny=("docker.io/library/*",)), "acme/app", None),
        (ImagePolicy(allow=("ghcr.io", "quay.io")), "nginx", "images.allow: ghcr.io, quay.io"),
        (ImagePolicy(digest_required=True), "nginx:latest", "images.digestRequired"),
        (ImagePolicy(digest_required=True), f"nginx@{DIGEST}", None),
    ],
)
def test_deny_goes_first_and_the_rule_is_named(policy: ImagePolicy, image: str, told: str | None) -> None:
    found = objection(image, policy)
    assert found is None if told is None else told in str(found)


def test_a_manifest_is_refused_with_the_place_of_the_image() -> None:
    (group,) = compile_sdl((EXAMPLES / "01-web.yaml").read_bytes()).manifest
    bad = replace(group, services=(*group.services, replace(group.services[0], name="zz", image="pay/xmrig:6")))
    policy = ImagePolicy(deny=("**/xmrig*",))
    with pytest.raises(ManifestInvalid) as no:
        check_images((group, replace(bad, name="other")), policy, {group.name, "other"})
    assert (no.value.path, no.value.value) == ("[1].services[1].image", "pay/xmrig:6")
    assert "service 'zz'" in str(no.value)
    assert "**/xmrig*" in str(no.value)
    check_images((group, replace(bad, name="other")), policy, {group.name})  # another provider's group is its affair


@pytest.mark.parametrize("pattern", ["", "nginx", "library", "a//b", "/a", "a/", "docker.io/a b"])
def test_what_is_no_pattern(pattern: str) -> None:
    assert not valid_pattern(pattern)


@given(st.text(max_size=600), st.text(alphabet="*?[]a/.:\\-^", max_size=40))
def test_nothing_a_tenant_or_operator_writes_makes_it_fail(image: str, pattern: str) -> None:
    objection(image, ImagePolicy(allow=(pattern,), deny=(pattern,), digest_required=True))


def test_no_pattern_runs_for_ever() -> None:
    """It would not come back if it tried every way to place its stars."""
    assert objection("/".join(["ghcr.io", *["a"] * 250]), ImagePolicy(deny=("/".join(["**", "a*a*b"] * 30),))) is None
    assert objection("ghcr.io/" + "a" * 500, ImagePolicy(deny=("ghcr.io/" + "*a" * 60 + "b",))) is None
