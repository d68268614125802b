"""The page that an event counts for is what the standard library finds in its address."""

import json
from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.events import facets
from gateway.events.facets import Facet

addresses = st.one_of(
    st.text("htps:/?#[]@.-_ab1é\t\n ;%", max_size=30),
    st.text("/?#[]@.:ab1é\t\n ;%", max_size=20).map("https://shop.example".__add__),
)


def page_of(address: str) -> str | None:
    said = json.dumps({"$current_url": address, "$host": "h", "$pathname": "/p"})
    return dict(facets.of_page(said.encode())).get(Facet.PAGE)


def expected(address: str) -> str:
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return "h/p"
    if not parts.netloc and not parts.path:
        return "h/p"
    return f"{parts.netloc.rpartition('@')[2] or 'h'}/{parts.path.removeprefix('/')}".strip()


@given(addresses)
@example("https://shop.example/mug?utm_source=mail#top")
@example("http://shop.example:8080")
@example("https://ada:secret@shop.example/mug")
@example("https://ada@")
@example("https://shop.example/a b\n/c")
@example("https://shop.example]/")
@example("/virtual/page")
@example("?only=this")
def test_a_page_is_a_host_and_a_path(address: str) -> None:
    """Where an address says only one of them, or neither, what else the event says helps out."""
    assert page_of(address) == expected(address)
