"""Puts the minified and compressed scripts into the package, so that a gateway needs no tools."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SCRIPTS = ("stub.js", "tracker.js", "tracker-more.js")


class ScriptsHook(BuildHookInterface[Any]):
    """hatchling finds it by being the one hook in this file."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":  # as a checkout: made at the start, from sources that change
            return
        sys.path.insert(0, self.root)
        from gateway.minifying import compressed, minified  # of this very checkout

        target = Path(self.directory) / "scripts"
        target.mkdir(parents=True, exist_ok=True)
        for name in SCRIPTS:
            body = minified((Path(self.root) / "static" / name).read_bytes())
            for made, suffix in ((body, ""), (compressed(body), ".br")):
                path = target / f"{name}{suffix}"
                path.write_bytes(made)
                build_data["force_include"][str(path)] = f"gateway/_scripts/{path.name}"
