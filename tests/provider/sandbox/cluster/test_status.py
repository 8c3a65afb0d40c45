from __future__ import annotations

import pytest

from provider.sandbox.cluster import status
from provider.sandbox.cluster.status import ApiError, Cause


def test_an_error_is_a_status_object() -> None:
    error = status.not_found("apps", "deployments", "web")
    assert error.body() == {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": 'deployments.apps "web" not found',
        "reason": "NotFound",
        "details": {"name": "web", "group": "apps", "kind": "deployments"},
        "code": 404,
    }
    assert str(error) == '404 NotFound: deployments.apps "web" not found'


def test_without_details_there_are_none() -> None:
    assert "details" not in status.bad_request("no").body()
    assert status.no_such_resource().body()["details"] == {}


ERRORS: dict[str, tuple[ApiError, int, str, str]] = {
    "taken": (status.already_exists("", "pods", "p"), 409, "AlreadyExists", 'pods "p" already exists'),
    "changed meanwhile": (
        status.conflict("", "pods", "p", status.MODIFIED),
        409,
        "Conflict",
        f'Operation cannot be fulfilled on pods "p": {status.MODIFIED}',
    ),
    "not allowed": (status.forbidden("", "pods", "p", "why"), 403, "Forbidden", 'pods "p" is forbidden: why'),
    "expired": (status.too_old(1, 5), 410, "Expired", "too old resource version: 1 (5)"),
    "one bad field": (
        status.invalid("apps", "Deployment", "web", [status.required("spec.selector")]),
        422,
        "Invalid",
        'Deployment.apps "web" is invalid: spec.selector: Required value',
    ),
    "two bad fields": (
        status.invalid("", "Pod", "p", [status.required("a"), status.required("b", "say it")]),
        422,
        "Invalid",
        'Pod "p" is invalid: [a: Required value, b: Required value: say it]',
    ),
}


@pytest.mark.parametrize(("error", "code", "reason", "message"), ERRORS.values(), ids=ERRORS)
def test_errors(error: ApiError, code: int, reason: str, message: str) -> None:
    assert (error.code, error.reason, error.message) == (code, reason, message)


CAUSES: dict[str, tuple[Cause, str, str]] = {
    "text is quoted": (status.bad("f", "x", "no"), "FieldValueInvalid", 'Invalid value: "x": no'),
    "a number is not": (status.bad("f", 7, "no"), "FieldValueInvalid", "Invalid value: 7: no"),
    "yes is true": (status.bad("f", True, "no"), "FieldValueInvalid", "Invalid value: true: no"),
    "objects are JSON": (
        status.bad("f", {"b": 1, "a": []}, "no"),
        "FieldValueInvalid",
        'Invalid value: {"a":[],"b":1}: no',
    ),
    "not allowed": (status.forbidden_field("f", "no"), "FieldValueForbidden", "Forbidden: no"),
    "twice": (status.duplicate("f", "x"), "FieldValueDuplicate", 'Duplicate value: "x"'),
    "one of few": (
        status.unsupported("f", "x", ("a", "b")),
        "FieldValueNotSupported",
        'Unsupported value: "x": supported values: "a", "b"',
    ),
}


@pytest.mark.parametrize(("cause", "reason", "message"), CAUSES.values(), ids=CAUSES)
def test_causes(cause: Cause, reason: str, message: str) -> None:
    assert cause.json() == {"reason": reason, "message": message, "field": "f"}


def test_causes_are_listed_for_programs() -> None:
    body = status.invalid("", "Pod", "p", [status.required("a"), status.required("b")]).body()
    assert [each["field"] for each in body["details"]["causes"]] == ["a", "b"]
    assert status.forbidden("", "pods", "p", "why", [{"reason": "R"}]).body()["details"]["causes"] == [{"reason": "R"}]
