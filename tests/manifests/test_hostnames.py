"""Host names: valid ones, generated ones, blocked ones."""

from __future__ import annotations

import pytest

from manifests.hostnames import blocked_by, ip_sharing_key, is_hostname, looks_generated, static_host
from manifests.ids import LeaseID

LEASE = LeaseID("akash1owner", 1234, 1, 1, "akash1provider")


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("example.com", True),
        ("localhost", True),
        ("a-b.c1", True),
        ("1.2.3.4", True),
        ("A.example.com", False),
        ("*.example.com", False),
        ("a_b.com", False),
        ("-a.com", False),
        ("a-.com", False),
        ("a..com", False),
        ("a.com.", False),
        ("a.com/x", False),
        ("a.com\n", False),
        ("é.com", False),
        ("", False),
        ("a" * 253, True),
        ("a" * 254, False),
    ],
)
def test_validity(text: str, valid: bool) -> None:
    assert is_hostname(text) is valid


def test_generated_names_are_the_reference_s() -> None:
    assert static_host(LEASE, "web", "ingress.example.com") == "f4hda8nk11ccj27s3g7t401ok0.ingress.example.com"


def test_sharing_keys_are_the_reference_s() -> None:
    assert ip_sharing_key("o", "my-ip-1") == "o-ip-my-ip-1"
    assert ip_sharing_key("o", "meYOU") == "o-ip-ps9pn7rkocct7m9ivtovuktb"


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("bad.com", "Bad.com"),
        ("x.bad.com", None),
        ("WWW.worse.com", ".worse.com"),
        ("worse.com", ".worse.com"),
        ("notworse.com", None),
        ("a.below.com", "*.Below.com"),
        ("below.com", None),
        ("fine.com", None),
    ],
)
def test_blocked_names(name: str, entry: str | None) -> None:
    assert blocked_by(name, ["Bad.com", ".worse.com", "*.Below.com"]) == entry


@pytest.mark.parametrize(
    ("name", "looks"),
    [
        ("f4hda8nk11ccj27s3g7t401ok0.In.example", True),
        ("f4hda8nk11ccj27s3g7t401ok0.other.example", False),
        ("f4hda8nk11ccj27s3g7t401okw.in.example", False),
        ("f4hda8nk11ccj27s3g7t401ok.in.example", False),
        ("in.example", False),
    ],
)
def test_names_that_could_be_some_leases_own(name: str, looks: bool) -> None:
    assert looks_generated(name, "in.example") is looks
    assert not looks_generated(name, "")
