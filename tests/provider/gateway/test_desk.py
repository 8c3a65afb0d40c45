"""The desk's promise: what the gateway may ask, and that whoever stands behind it answers to just that."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from provider.gateway.desk import Answer, Desk
from provider.gateway.reception import Reception

QUESTIONS = sorted(name for name in vars(Desk) if not name.startswith("_"))


def test_a_refusal_has_status_and_text_and_prints_both_in_logs() -> None:
    refusal = Answer(404, "lease not found")
    assert (refusal.status, refusal.text, str(refusal)) == (404, "lease not found", "404 lease not found")


@pytest.fixture(params=["the daemon's", "the tests'"])
def behind(request: pytest.FixtureRequest, desk: Any) -> type:
    """The classes that implement it: the one that runs, and the one these tests believe."""
    return Reception if request.param == "the daemon's" else type(desk)


def test_there_are_questions() -> None:
    assert {"status", "submit_manifest", "lease_status", "certificate"} < set(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_question_is_answered_by_that_name_with_those_arguments(behind: type, question: str) -> None:
    promised = vars(Desk)[question]
    if isinstance(promised, property):
        kept = inspect.getattr_static(behind, question, None)
        assert isinstance(kept, property) or question in inspect.get_annotations(behind)
        return
    found = inspect.getattr_static(behind, question)
    assert inspect.iscoroutinefunction(found) == inspect.iscoroutinefunction(promised)
    assert list(inspect.signature(found).parameters) == list(inspect.signature(promised).parameters)
