"""What of a page's markup is a script, as browsers see it."""

import pytest

from gateway.workers import markup

SCRIPT = "<script src=a.js></script>"


@pytest.mark.parametrize(
    "before",
    ["<![foo]>", "<![]>", "<![ foo bar>", "<![if !IE]>", "<![CDATA[ x ]]>", "<!-->", "<!1>", "</>",
     "<>", "<a <b>", "&#xD800;", "<p a='&#xD800;'>", "<template></template>", "\0"],
)  # fmt: skip
def test_what_is_odd_before_it_hides_no_script(before: str) -> None:
    """Pages are written by people."""
    assert [each.src for each in markup.read(f"{before}{SCRIPT}").scripts] == ["a.js"]


@pytest.mark.parametrize(
    "page",
    [f"<!-- {SCRIPT} -->", f"<template>{SCRIPT}</template>", f"<textarea>{SCRIPT}</textarea>",
     f"<template><template></template>{SCRIPT}</template>", f"<title>{SCRIPT}",
     f"<script>document.write('{SCRIPT[:-9]}')</script>".replace("src", "data-src")],
)  # fmt: skip
def test_what_only_looks_like_one_is_none(page: str) -> None:
    """It is text, or waits to be copied."""
    assert [each.src for each in markup.read(page).scripts if each.src] == []


def test_what_is_read_is_bounded() -> None:
    """In how much it is, whatever the page says."""
    policy = "<meta http-equiv=content-security-policy content=x>"
    found = markup.read(policy * 50 + SCRIPT * 1_500 + f"<script>{'x' * 200_000}</script>")
    assert len(found.policies) == markup.POLICIES_MAX
    assert len(found.scripts) == markup.SCRIPTS_MAX
    [script] = markup.read(f"<script a='{'x' * 9_000}'>{'x' * 200_000}</script>").scripts
    assert len(script.attributes["a"]) == markup.VALUE_CHARS_MAX
    assert len(script.text) == markup.TEXT_CHARS_MAX
