"""The same rows for people and for machines."""

from __future__ import annotations

import csv
import io
import json

import pytest
import yaml

from provider.cli.lists import Output, show, structured

ROWS = [
    {"id": "a" * 60, "price": {"denom": "uact", "amount": "1.5"}, "gpus": {"t4": "8 of 8"}, "classes": ["x", "y"]},
    {"id": "b", "price": None, "gpus": {}, "classes": []},
]
COLUMNS = {"the id": "id", "price": "price", "gpus": "gpus", "classes": "classes"}


@pytest.mark.parametrize(("output", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_machines_get_everything(output: Output, read: object, capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, output, {"the id": "id"})
    assert read(capsys.readouterr().out) == ROWS  # type: ignore[operator]


def test_csv_has_a_cell_for_each_value(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, "csv", COLUMNS)
    first, second = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert list(first) == ["id", "price.denom", "price.amount", "gpus.t4", "classes"]
    assert json.loads(first.pop("classes")) == ["x", "y"]
    assert list(first.values()) == ["a" * 60, "uact", "1.5", "8 of 8"]
    assert list(second.values()) == ["b", "", "", "", "[]"]


def test_csv_keeps_the_columns_that_nobody_has_anything_in(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"a": {}, "b": {"x": 1}, "c": None}, {"a": {}, "b": {"y": {"z": 2}}, "c": 3}], "csv", {})
    assert capsys.readouterr().out.splitlines() == ["a,b.x,b.y,c", ",1,,", ',,"{""z"": 2}",3']
    show([{"a": {"x": 1}}, {"a": "none"}, {"a": None}], "csv", {})
    assert capsys.readouterr().out.splitlines() == ["a.x,a", "1,", ",none", ","]


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    show(ROWS, "table", COLUMNS)
    head, first, _ = capsys.readouterr().out.splitlines()
    assert head.split() == ["the", "id", "price", "gpus", "classes"]
    assert first.split() == ["a" * 60, "1.5uact", "t4", "8", "of", "8", "x,", "y"]


@pytest.mark.parametrize(
    ("output", "out"), [("table", ""), ("json", "[]\n"), ("yaml", "[]\n"), ("csv", "id,price\r\n")]
)
def test_nothing(output: Output, out: str, capsys: pytest.CaptureFixture[str]) -> None:
    show([], output, {"the id": "id", "price": "price"}, nothing="there is none")
    said = capsys.readouterr()
    assert said.out == out
    assert said.err == ("there is none\n" if output == "table" else "")


def test_what_a_tenant_writes_is_not_markup(capsys: pytest.CaptureFixture[str]) -> None:
    show([{"id": "[red]x[/red]"}], "table", {"id": "id"})
    assert "[red]x[/red]" in capsys.readouterr().out


def test_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    structured({"a": [1]}, "json")
    assert json.loads(capsys.readouterr().out) == {"a": [1]}
    structured({"a": [1]}, "yaml")
    assert capsys.readouterr().out == "a:\n- 1\n"
