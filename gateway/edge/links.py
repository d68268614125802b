"""A recipient's link: the address of a page, with the `pr` that says whose link it is."""

from urllib.parse import urlsplit

from gateway.errors import Problem, Refused


def with_token(url: str, token: str) -> str:
    """The whole link, with the URL's own query and fragment as they are. Raises Refused for what
    is no address of a page."""
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Refused(Problem(1001, f"{url!r} is no link: write it as https://shop.example/page."))
    own = f"{parts.query}&" if parts.query else ""
    return parts._replace(path=parts.path or "/", query=f"{own}pr={token}").geturl()
