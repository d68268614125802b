"""Who may import whom, and that tests stay on this machine."""

import ast
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from tests import support

ROOT = Path(support.__file__).parents[1]
OUTSIDE = ("http://", "https://")


def test_rooms_only_look_downstream(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The contracts in pyproject.toml; what is printed on failure says which import broke one."""
    monkeypatch.chdir(ROOT)
    failed = lint_imports(config_filename=str(ROOT / "pyproject.toml"), cache_dir=None)
    assert not failed, capsys.readouterr().out


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
