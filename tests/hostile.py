"""Text as somebody sends it who means harm, by what it is aimed at; written down in `hostile.json`.

Wherever it is sent it must come out as text: stored as sent or refused with a number, never
carried out, and never more than one line of a log, one header or one cell.
"""

import json
from pathlib import Path

BY_TARGET: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text())
ALL = [text for texts in BY_TARGET.values() for text in texts]
SHOWN = [text for text in ALL if "\0" not in text and text.strip()]
"""What a name can be: neither empty nor with a NUL in it."""

EVERYTHING = "\r\n".join(text for texts in BY_TARGET.values() for text in texts[:4])
"""Some of each in one text, for where each by itself would take long."""
