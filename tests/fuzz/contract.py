"""Calls made up from `/openapi.json` by schemathesis, valid ones and others: whatever is answered
is documented, and never a fault of ours."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from gateway.settings import Limits
from tests.fuzz.wire import WAIT_S
from tests.support import PASSWORD, RunningGateway, Tracked

CHECKS = [
    status_code_conformance, content_type_conformance,
    response_schema_conformance, response_headers_conformance,
]  # fmt: skip
STREAM = "GET /api/v1/event.stream"
NO_STREAMS = Limits(live_streams_max=0)
"""A stream has no end, so that asking for one is refused here."""
URL_BYTES_MAX = 65_535
"""What is longer the HTTP server refuses itself, before there is a request."""


def operations(gateway: RunningGateway) -> Iterator[tuple[str, Any]]:
    """Every operation of the document, by method and path."""
    told = httpx.get(gateway.url + "/openapi.json", trust_env=False).json()
    for found in schemathesis.openapi.from_dict(told).get_all_operations():
        operation = found.ok()
        yield operation.label, operation


@dataclass(frozen=True)
class Caller:
    """Somebody with a list, who has signed in: a key of theirs might be revoked by a call."""

    gateway: RunningGateway
    tracked: Tracked
    session_id: str
    session: requests.Session


def caller(gateway: RunningGateway) -> Caller:
    tracked = gateway.new_list()
    login = {"Username": tracked.account, "Password": PASSWORD}
    signed_in = gateway.client.post("/api/v1/user.login", json=login).json()["SessionID"]
    session = requests.Session()
    session.trust_env = False
    return Caller(gateway, tracked, signed_in, session)


def property_of(operation: Any, who: Caller, profile: settings) -> Callable[[], None]:
    """What must hold of one operation, to be called. The list and the session in a call are often
    real ones, for most of a call is behind them."""
    modes = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
    cases = st.one_of([operation.as_strategy(generation_mode=mode) for mode in modes])
    real = st.sampled_from([True, True, True, False])

    @profile
    @given(case=cases, real_list=real, real_session=real)
    def holds(case: Case, real_list: bool, real_session: bool) -> None:
        if real_list:
            _name_list(case, who.tracked)
        if real_session:
            case.query = {**(case.query or {}), "SessionID": who.session_id}
        answer = case.call(base_url=who.gateway.url, session=who.session, timeout=WAIT_S)
        if len(answer.request.url or "") <= URL_BYTES_MAX:
            case.validate_response(answer, checks=CHECKS)
            faults = [500] if operation.label == STREAM else [500, 503]
            assert answer.status_code not in faults

    return holds


def profile(examples: int, *, repeatable: bool) -> settings:
    return settings(
        max_examples=examples,
        derandomize=repeatable,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def _name_list(case: Case, tracked: Tracked) -> None:
    for given_in in (case.body, case.query):
        for name in ("ListID", "SubscriberListID"):
            if isinstance(given_in, dict) and name in given_in:
                given_in[name] = tracked.list_id
