"""What of an HTML page matters to a tracker: its scripts, and the policies it states itself.

What stands in a comment or a template is no script, however much it looks like one. Bounded in
what it answers, not in time: a page can be made so that reading it takes long. So this runs in the
process that fetches, which is given up then.
"""

from html.parser import HTMLParser

import msgspec

TYPES = ("text/html", "application/xhtml+xml")
SCRIPTS_MAX = 1_000
POLICIES_MAX = 20
ATTRIBUTES_MAX = 50
VALUE_CHARS_MAX = 4_096
TEXT_CHARS_MAX = 100_000
INERT = ("template", "textarea", "title", "noscript", "iframe", "xmp", "noembed", "noframes")
RUNNING_TYPES = (
    "", "text/javascript", "application/javascript", "text/ecmascript", "application/ecmascript",
    "application/x-javascript", "text/x-javascript",
)  # fmt: skip


class Script(msgspec.Struct):
    """One script element. `policies`: how many of the page's meta policies stand before it."""

    attributes: dict[str, str]
    policies: int
    text: str = ""

    @property
    def src(self) -> str:
        return self.attributes.get("src", "").strip()

    @property
    def runs(self) -> bool:
        """Whether browsers run it as a script of the usual kind."""
        return self.type in RUNNING_TYPES and "nomodule" not in self.attributes

    @property
    def type(self) -> str:
        return self.attributes.get("type", "").strip().lower()


class Markup(msgspec.Struct):
    """`base`: what addresses are relative to, if the page says so."""

    scripts: list[Script] = []
    policies: list[str] = []
    base: str = ""


def read(html: str) -> Markup:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Markup()
        self._inert: list[str] = []
        self._script: Script | None = None
        self._in_head = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._inert or tag in INERT:
            self._inert += [tag] * (tag in INERT)
            return
        said: dict[str, str] = {}
        for name, value in attrs[:ATTRIBUTES_MAX]:
            # Of two of the same name the first counts.
            said.setdefault(name[:VALUE_CHARS_MAX], (value or "")[:VALUE_CHARS_MAX])
        if tag == "script" and len(self.found.scripts) < SCRIPTS_MAX:
            self._script = Script(said, len(self.found.policies))
            self.found.scripts.append(self._script)
        elif tag == "body":
            self._in_head = False
        elif tag == "base" and not self.found.base:
            self.found.base = said.get("href", "").strip()
        elif tag == "meta" and self._in_head:
            self._meta(said)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script":
            self._script = None
        if tag in self._inert:
            while self._inert.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.text += data[: TEXT_CHARS_MAX - len(self._script.text)]

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """`<![…>` is a comment to browsers. The parser knows more of it, and raises."""
        return self.parse_bogus_comment(i, report)

    def _meta(self, said: dict[str, str]) -> None:
        is_policy = said.get("http-equiv", "").strip().lower() == "content-security-policy"
        if is_policy and len(self.found.policies) < POLICIES_MAX:
            self.found.policies.append(said.get("content", ""))
