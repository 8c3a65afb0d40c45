"""The pages say what the program does."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from bidengine.tariff.file import parse_tariff

ROOT = Path(__file__).resolve().parents[2]


def test_the_settings_page_is_the_settings() -> None:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    generate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generate)
    assert (ROOT / "docs" / "settings.md").read_text() == generate.page(), "run python docs/generate.py"


def test_the_price_page_shows_files_that_work() -> None:
    """The first is whole; each of the others is a part to be put beside it."""
    rates, *parts = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "prices.md").read_text(), re.DOTALL)
    assert parse_tariff(rates).gpu_usd_e18["nvidia/a100/80Gi/sxm"] == 1095_750000000000000000
    assert len(parts) == 4
    for part in parts:
        assert parse_tariff(rates + part) != parse_tariff(rates)
    parse_tariff(rates + "".join(parts))


def test_every_path_the_readme_names_is_there() -> None:
    text = (ROOT / "README.md").read_text()
    for path in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (ROOT / path.replace("\\", "")).exists(), path
