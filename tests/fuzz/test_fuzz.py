"""Whatever call is made up from the document, and whatever bytes come in at a door: the answer is
one the document tells of, never a fault of ours, and what is stored is what was said. A few of
each, always the same; more by `python -m tests.fuzz`."""

from collections.abc import Iterator
from typing import Any

import pytest

from gateway.edge.openapi.document import document
from gateway.settings import Settings
from tests.fuzz import contract, raw
from tests.support import RunningGateway, running_gateway

LABELS = [
    f"{method.upper()} {path}"
    for path, item in document(Settings())["paths"].items()
    for method in item
    if method in ("get", "post", "patch", "options")
]
OFTEN = ("POST /e", "POST /api/v1/event")
"""What strangers call, and what everybody does."""


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    """A gateway nobody else writes to, for rows are counted."""
    folder = tmp_path_factory.mktemp("fuzz")
    with running_gateway(folder, rate_limits=False, limits=contract.NO_STREAMS) as running:
        yield running


@pytest.fixture(scope="module")
def who(own: RunningGateway) -> contract.Caller:
    return contract.caller(own)


@pytest.fixture(scope="module")
def operations(own: RunningGateway) -> dict[str, Any]:
    return dict(contract.operations(own))


def test_every_operation_is_tried(operations: dict[str, Any]) -> None:
    """Those of the document this file is made from are those that are served."""
    assert sorted(LABELS) == sorted(operations)


@pytest.mark.slow
@pytest.mark.parametrize("label", LABELS)
def test_made_up_calls_are_answered_as_documented(
    operations: dict[str, Any], who: contract.Caller, label: str
) -> None:
    """By schemathesis, from the document."""
    profile = contract.profile(12 if label in OFTEN else 2, repeatable=True)
    contract.property_of(operations[label], who, profile)()


@pytest.mark.slow
@pytest.mark.parametrize("holds", raw.PROPERTIES, ids=lambda each: each.__name__)
def test_odd_bytes_are_answered_and_leave_nothing_half_written(
    own: RunningGateway, holds: raw.Property
) -> None:
    """By hypothesis, over a socket."""
    holds(own, own.new_list(), contract.profile(50, repeatable=True))
