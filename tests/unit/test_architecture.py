"""Who may import whom, and that tests stay on this machine."""

import ast
import subprocess
import sys
from pathlib import Path

from tests import support

ROOT = Path(support.__file__).parents[1]
OUTSIDE = ("http://", "https://")


LINT = (
    "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(cache_dir=None))"
)


def test_rooms_only_look_downstream() -> None:
    """The contracts in pyproject.toml; what is printed on failure says which import broke one.

    In a process of its own, for it sets up logging and so silences every logger there is.
    """
    done = subprocess.run([sys.executable, "-c", LINT], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def calls_in(path: Path) -> list[ast.Call]:
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]


def test_no_test_asks_the_network_for_anything() -> None:
    """Every request a test makes goes to a gateway of its own: no address is written out."""
    asking = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in (ROOT / "tests").rglob("*.py")
        for call in calls_in(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in ("get", "post", "request", "options", "goto", "urlopen")
        and call.args
        and isinstance(call.args[0], ast.Constant)
        and str(call.args[0].value).startswith(OUTSIDE)
    ]
    assert asking == []


def test_no_module_imports_inside_a_function() -> None:
    """What a module needs stands at its top, and no cycle is hidden."""
    hidden = [
        f"{path.relative_to(ROOT)}:{inner.lineno}"
        for path in (ROOT / "gateway").rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(function)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert hidden == []
