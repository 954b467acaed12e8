"""The API document is true: whatever fits it or nearly fits, the server answers as it says, never with a 500."""

from __future__ import annotations

import re
import traceback
from typing import Any

import pytest
import schemathesis
from hypothesis import Phase, given, settings
from hypothesis.strategies import one_of
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.running import Server, http

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.mark.slow
@pytest.mark.timeout(900)  # every operation in turn, and there are ever more
def test_the_server_answers_as_its_document_says(module_server: Server) -> None:
    """With a key that may do everything an API key may, on inputs that fit the document and such that do not."""
    document = schemathesis.openapi.from_url(f"{module_server.url}/api/openapi.json")
    wrong: list[str] = []
    for result in document.get_all_operations():
        assert isinstance(result, Ok)
        operation = result.ok()
        problem = violation_of(operation, headers={"Authorization": f"Bearer {module_server.api_key}"})
        if problem:
            wrong.append(f"{operation.label}\n{problem}")
    assert not wrong, "\n\n".join(wrong)
    assert "Traceback" not in module_server.log.read_text()


def modes_of(operation: Any) -> list[GenerationMode]:
    """Inputs that fit the document; and such that do not, where there is anything to get wrong."""
    takes = operation.body or operation.query or operation.path_parameters
    return [GenerationMode.POSITIVE, GenerationMode.NEGATIVE] if takes else [GenerationMode.POSITIVE]


def violation_of(operation: Any, *, headers: dict[str, str]) -> str:
    """How the server breaks its word on one operation; empty if it does not."""
    inputs = [operation.as_strategy(generation_mode=mode) for mode in modes_of(operation)]

    @settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
    @given(case=one_of(inputs))
    def check(case: Any) -> None:
        case.call_and_validate(headers=headers, checks=CHECKS, timeout=20)

    try:
        check()
    except (AssertionError, FailureGroup) as error:
        return "".join(traceback.format_exception_only(error))
    return ""


def test_every_operation_needs_a_key_and_says_so(module_server: Server) -> None:
    document = http.get(f"{module_server.url}/api/openapi.json").json()
    operations = [
        (path, method, operation)
        for path, entry in document["paths"].items()
        for method, operation in entry.items()
        if method in {"get", "post", "put", "patch", "delete"} and path.startswith("/api/v1")
    ]
    assert len(operations) > 10
    for path, method, operation in operations:
        address = module_server.url + re.sub(r"\{\w+\}", "1", path)
        answer = http.request(method, address)
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["code"] == "unauthenticated"
        assert operation["summary"]
