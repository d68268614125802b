"""Which path leads to which door."""

from starlette.routing import Route

from gateway.edge.api import EVENT_PATH, ApiEndpoint
from gateway.edge.beacon import BeaconEndpoint
from gateway.edge.doors import BrowserDoor
from gateway.edge.entrance import Entrance
from gateway.edge.health import HealthEndpoint, ReadyEndpoint
from gateway.edge.hot import HotDoors
from gateway.edge.live import LiveEndpoint
from gateway.edge.metrics import MetricsEndpoint
from gateway.edge.openapi.endpoint import OpenApiEndpoint
from gateway.edge.pixel import PixelEndpoint
from gateway.edge.scripts import path_of
from gateway.edge.seen import SEEN_PATH, SeenEndpoint
from gateway.edge.sheets import Sheets
from gateway.edge.streams import Streams
from gateway.edge.tracker import TrackerEndpoint
from gateway.services import Services


def routes(
    services: Services,
    entrance: Entrance,
    streams: Streams,
    ready: ReadyEndpoint,
    sheets: Sheets,
) -> tuple[list[Route], HotDoors]:
    """Where no methods stand, the endpoint answers for its own. Besides, by their paths, the doors
    that the server's protocol may lead to by itself."""
    settings = services.settings
    door = BrowserDoor(services)
    beacon = BeaconEndpoint(services, door)
    api = ApiEndpoint(services, entrance)
    tracker = TrackerEndpoint(services)
    hot = HotDoors({settings.beacon_path.encode(): beacon, EVENT_PATH.encode(): api})
    return [
        Route(settings.beacon_path, beacon),
        Route("/api/v1/event.stream", LiveEndpoint(services, entrance, streams)),
        Route(EVENT_PATH, api),
        Route(SEEN_PATH, SeenEndpoint(services)),
        Route("/api/v1/{command:path}", api),
        Route("/api.php", api),
        Route(settings.pixel_path, PixelEndpoint(services, door)),
        Route(settings.tracker_path, tracker),
        Route(path_of(settings.tracker_path, "{version}"), tracker),
        Route("/openapi.json", OpenApiEndpoint(settings), methods=["GET"]),
        Route("/healthz", HealthEndpoint(), methods=["GET"]),
        Route("/readyz", ready, methods=["GET"]),
        Route("/metrics", MetricsEndpoint(services, sheets), methods=["GET"]),
    ], hot
