"""`akp price from-go` prints a price file that our parser takes, or names what it cannot read."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from bidengine.tariff.file import parse_tariff
from manifests.coins import parse_decimal
from provider.cli.from_go import from_go
from provider.errors import ConfigError

VALUES = "price_target_cpu: 1.25\nprice_target_gpu_mappings: a100=900\n"


@pytest.mark.parametrize("source", ["file", "-"])
def test_what_is_printed_is_a_price_file(
    source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "values.yaml").write_text(VALUES)
    monkeypatch.setattr(sys, "stdin", io.StringIO(VALUES))
    from_go(Path("-") if source == "-" else tmp_path / "values.yaml")
    tariff = parse_tariff(capsys.readouterr().out)
    assert tariff.cpu_usd_e18 == parse_decimal("1.25")
    assert tariff.gpu_usd_e18["nvidia/a100"] == parse_decimal("900")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"values\.yaml: No such file"),
        (b"price_target_cpu: much\n", r"values\.yaml: price_target_cpu: 'much'.*Mend"),
        (b"\xff\xfe\x00", r"values\.yaml: is not text"),
    ],
    ids=["missing", "no number", "no text"],
)
def test_what_cannot_be_read_is_named(content: bytes | None, says: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "values.yaml").write_bytes(content)
    with pytest.raises(ConfigError, match=says):
        from_go(tmp_path / "values.yaml")
