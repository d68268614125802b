"""Makes the tables of settings and limits in ARCHITECTURE.md: `python -m tests.settings_tables`."""

import dataclasses
from pathlib import Path

from gateway.settings import PREFIX, Limits, Settings

DOCUMENT = Path(__file__).parent.parent / "ARCHITECTURE.md"
BEGIN, END = "held equal by a test -->\n", "<!-- end of settings -->"


def tables() -> str:
    return "\n".join(_table(kind) for kind in (Settings, Limits))


def _table(kind: type) -> str:
    rows = [
        f"| `{PREFIX}{field.name.upper()}` | {_shown(field.default)} | {field.metadata['help']} |"
        for field in dataclasses.fields(kind)
        if field.name != "limits"
    ]
    return "\n".join([f"| {kind.__name__} | default | |", "|---|---|---|", *rows, ""])


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int):
        return f"{value:,}"
    return f"`{value}`" if str(value) not in ("", "()") else "(empty)"


def written() -> str:
    """What stands between the markers now."""
    return DOCUMENT.read_text().split(BEGIN)[1].split(END)[0]


if __name__ == "__main__":
    text = DOCUMENT.read_text()
    DOCUMENT.write_text(text.replace(BEGIN + written() + END, BEGIN + tables() + END))
