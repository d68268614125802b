"""Which path leads to which door."""

from starlette.routing import Route

from gateway.edge.api import ApiEndpoint
from gateway.edge.beacon import BeaconEndpoint
from gateway.edge.doors import BrowserDoor
from gateway.edge.health import HealthEndpoint, ReadyEndpoint
from gateway.edge.live import LiveEndpoint
from gateway.edge.pixel import PixelEndpoint
from gateway.edge.scripts import path_of
from gateway.edge.tracker import TrackerEndpoint
from gateway.services import Services

EVENT_PATH = "/api/v1/event"


def routes(services: Services, live: LiveEndpoint, ready: ReadyEndpoint) -> list[Route]:
    """Hot paths first. Where no methods stand, the endpoint answers for its own."""
    settings = services.settings
    door = BrowserDoor(services)
    api = ApiEndpoint(services)
    tracker = TrackerEndpoint(services)
    return [
        Route(settings.beacon_path, BeaconEndpoint(services, door)),
        Route("/api/v1/event.stream", live, methods=["GET"]),
        Route(EVENT_PATH, api),
        Route("/api/v1/{command:path}", api),
        Route("/api.php", api),
        Route(settings.pixel_path, PixelEndpoint(services, door)),
        Route(settings.tracker_path, tracker),
        Route(path_of(settings.tracker_path, "{version}"), tracker),
        Route("/healthz", HealthEndpoint(), methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
    ]
