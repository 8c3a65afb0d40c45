"""A certificate's life by hand: made, published, shown, revoked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography import x509

ADDRESSES = {"cluster": {"public_hostname": "p.test"}}


@pytest.fixture
def made(akp: Callable[..., Any], chain_town: Any) -> Any:
    """(town, settings file, certificate)"""
    config = chain_town.config(**ADDRESSES)
    said = akp("cert", "generate", "--config", config)
    assert said.code == 0, said.err
    path = chain_town.work / f"{chain_town.owner.address}.pem"
    return chain_town, config, x509.load_pem_x509_certificate(path.read_bytes())


def test_it_may_sign_which_the_customary_ones_may_not(made: Any) -> None:
    _, _, certificate = made
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert usage.digital_signature
    assert names.get_values_for_type(x509.DNSName) == ["p.test"]


def test_published_shown_revoked(akp: Callable[..., Any], made: Any) -> None:
    _, config, certificate = made
    serial = str(certificate.serial_number)
    assert "is not valid on chain" in akp("cert", "show", "--config", config).err
    said = akp("cert", "publish", "--config", config, "--yes")
    assert (said.code, said.out.startswith("done at height")) == (0, True), said.err
    again = akp("cert", "publish", "--config", config, "--yes")
    assert (again.code, "published already" in again.out) == (0, True)
    shown = akp("cert", "show", "--config", config)
    assert (shown.code, serial in shown.out, "valid" in shown.out) == (0, True, True)
    assert akp("cert", "revoke", serial, "--config", config, "--yes").code == 0
    rows = json.loads(akp("cert", "show", "--config", config, "-o", "json").out)["certificates"]
    assert [(str(r["serial"]), r["state"], r["file"]) for r in rows] == [(serial, "revoked", True)]
    for command in (("revoke", serial), ("publish",)):
        refused = akp("cert", *command, "--config", config, "--yes")
        assert refused.code == 1
        assert serial in refused.err


def test_one_that_is_there_is_never_overwritten(akp: Callable[..., Any], made: Any) -> None:
    town, config, _ = made
    path = town.work / f"{town.owner.address}.pem"
    before = path.read_bytes()
    said = akp("cert", "generate", "--config", config)
    assert (said.code, "there is a certificate already" in said.err) == (2, True)
    assert path.read_bytes() == before


def test_without_a_name_none_is_made(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp("cert", "generate", "--config", chain_town.config())
    assert (said.code, "--domain" in said.err) == (2, True)
    assert akp("cert", "generate", "--config", chain_town.config(), "--domain", "q.test").code == 0


def test_nothing_to_show(akp: Callable[..., Any], chain_town: Any) -> None:
    said = akp("cert", "show", "--config", chain_town.config())
    assert (said.code, "akp cert generate" in said.err) == (1, True)
