"""A website as a test makes it: which pages it has, and what each of them carries."""

from dataclasses import dataclass, field

from tests.support import Tracked


@dataclass(frozen=True)
class Site:
    """A website whose every page carries the snippet of a list.

    `pages` are what is not like the others: the page's path and its HTML and headers.
    """

    url: str
    tracked: Tracked
    snippet: str = ""
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)

    def page(
        self,
        path: str,
        *,
        attributes: str = "",
        body: str = "Hello",
        before: str = "",
        headers: dict[str, str] | None = None,
    ) -> str:
        """The URL of a page whose script tag has these attributes, `before` in front of it."""
        tag = self.snippet.replace("<script async", f"<script async {attributes}")
        head = f"<meta charset=utf-8><title>Page {path}</title>{before}{tag}"
        html = f"<!doctype html><html><head>{head}</head><body>{body}</body></html>"
        self.pages[path] = html, headers or {}
        return self.url + path
