from __future__ import annotations

import json

import jsonschema
import pytest
import yaml

from helm.generate import DECIDED, generated, values_schema
from provider.settings import Settings


@pytest.mark.parametrize("name", sorted(generated()))
def test_the_chart_repeats_the_code_word_for_word(chart, name):
    assert (chart / name).read_text() == generated()[name], "run `python -m helm.generate`"


def test_there_is_no_definition_that_nobody_generates(chart):
    assert {f"crds/{p.name}" for p in (chart / "crds").iterdir()} == set(generated()) - {"values.schema.json"}


def test_the_chart_s_own_values_are_valid_and_complete(chart):
    values = yaml.safe_load((chart / "values.yaml").read_text())
    schema = values_schema()
    jsonschema.validate(values, schema)
    assert set(values) == set(schema["properties"]) - {"global"}


def test_every_setting_can_be_set_but_those_the_chart_decides():
    def names(schema, defs, before=""):
        for key, value in schema["properties"].items():
            section = defs.get(value.get("$ref", "").removeprefix("#/$defs/"))
            yield from names(section, defs, f"{before}{key}.") if section else [f"{before}{key}"]

    full = Settings.model_json_schema()
    ours = values_schema()
    everything = set(names(full, full["$defs"]))
    here = set(names(ours["properties"]["config"], ours["$defs"]))
    gone = everything - here
    assert here < everything
    assert all(any(path == d or path.startswith(f"{d}.") for d in DECIDED) for path in gone)


def test_no_value_is_a_place_for_the_account_s_words():
    text = json.dumps(values_schema())
    assert "mnemonic" not in text
    assert "hex_file" not in text
