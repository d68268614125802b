"""What a supervisor or a load balancer asks. Not being able to write: see test_envelopes."""

import pytest

from tests.support import RunningGateway


@pytest.mark.parametrize(("path", "word"), [("/healthz", "ok"), ("/readyz", "ready")])
def test_a_gateway_that_works_says_so(gateway: RunningGateway, path: str, word: str) -> None:
    answer = gateway.client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": word})


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_not_for_posting(gateway: RunningGateway, path: str) -> None:
    assert gateway.client.post(path).status_code == 405


def test_a_path_nobody_serves_is_404(gateway: RunningGateway) -> None:
    assert gateway.client.get("/no/such/path").status_code == 404
