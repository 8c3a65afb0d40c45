from __future__ import annotations

from manifests.errors import Invalid, ManifestInvalid, ManifestsError, SdlInvalid


def test_an_error_prints_its_place_and_keeps_its_parts() -> None:
    bad = SdlInvalid("services.web.expose[0].port", "must lie in 1..65535", value=0, line=7, column=3)
    assert str(bad) == "services.web.expose[0].port: must lie in 1..65535"
    assert (bad.path, bad.value, bad.line, bad.column) == ("services.web.expose[0].port", 0, 7, 3)
    assert str(Invalid("", "empty")) == "empty"


def test_one_root() -> None:
    assert all(issubclass(e, ManifestsError) for e in (Invalid, SdlInvalid, ManifestInvalid))
