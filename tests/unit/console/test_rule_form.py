"""Rules as a form: whatever the API can store comes out of the form as it went in, and each button
changes what it says and nothing else."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.console import rule_form
from gateway.console.rendering import _templates
from gateway.console.rule_choices import Choices, Told
from gateway.console.rule_form import EVENT, GroupForm, RuleForm
from gateway.errors import Refused
from gateway.events import criteria
from tests.unit.records.comparing import COMPARED, PATTERNS, scalars

NAMES = ("cart", "pageView", "identify", "conversion", " padded ", "a\nb", "Ünï", '"><b>', "x\0y")
CHOICES = Choices(events=["cart"], fields=[("5", "Size")], segments=[("7", "Rich")])

texts = st.sampled_from(NAMES) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
days = st.integers(1, 36_500)
spelled = st.sampled_from([str, str.upper, str.title, lambda word: f" {word} "])


def drawn(**parts: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A rule of these, and something of the caller's own in it now and then."""
    return st.fixed_dictionaries(parts, optional={"note": texts, "value": scalars})


happened = st.one_of(
    drawn(event=texts, operator=spelled.map(lambda spell: spell("happened"))),
    drawn(event=texts, operator=st.just("did not happen")),
    st.builds(
        lambda event, word, many: {"event": event, "operator": f"{word} in the last {many} days"},
        texts, st.sampled_from(["happened", "Did Not Happen"]), days,
    ),
    st.builds(
        lambda event, many: {"event": event, "operator": "happened in the last x days",
                             "value": many},
        texts, days | days.map(str),
    ),
)  # fmt: skip
compared = st.builds(
    lambda event, operator, name, value: {
        "event": event, "operator": operator, "event_parameter": name, "value": value,
    },
    texts, st.sampled_from(COMPARED), texts, scalars | st.sampled_from(PATTERNS),
)  # fmt: skip
events = (happened | compared).map(lambda rule: {"type": "website-events", **rule})
fields = st.builds(
    lambda field, operator, value: {
        "type": "fields", "field_id": field, "operator": operator, "value": value,
    },
    st.sampled_from([5, "5", "CustomField5", "EmailAddress", "email", "subscriptiondate"]),
    st.sampled_from(criteria.FIELD_OPERATORS), scalars,
)  # fmt: skip
segments = st.builds(
    lambda operator, value: {"type": "segments", "operator": operator, "value": value},
    st.sampled_from(["belongs to", "does not belong to"]), st.sampled_from([7, "7", 99]),
)  # fmt: skip
documents = st.lists(
    st.recursive(events | fields | segments, lambda inner: st.lists(inner, min_size=1, max_size=3)),
    max_size=4,
)


class Inputs(HTMLParser):
    """What a browser would send of a form: its inputs and choices, each on one line."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.said: dict[str, str] = {}
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, pairs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in pairs}
        if tag == "input":
            text = attributes["value"].replace("\0", "\ufffd")
            if attributes.get("type") != "hidden":
                text = text.replace("\r", "").replace("\n", "")
            self.said[attributes["name"]] = text.strip()
        elif tag == "select":
            self._select = attributes["name"]
        elif tag == "option" and self._select and "selected" in attributes:
            self.said[self._select] = attributes["value"].strip()

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


def sent(form: GroupForm, *, trigger: bool = False) -> dict[str, str]:
    """The form, as the page shows it and a browser sends it back."""
    group = _templates.get_template("rules.html").module.group
    return Inputs(group(form, "rules", True, Told(CHOICES), trigger)).said


@settings(max_examples=150)
@given(documents)
def test_a_form_that_is_sent_as_it_was_shown_changes_nothing(document: list[Any]) -> None:
    """Through the template and the browser's way of sending, whatever can be stored."""
    try:
        criteria.parse(document)
    except Refused:  # cannot be stored
        return
    form = rule_form.of_rules(document)
    assert rule_form.rules(rule_form.read(sent(form), "rules")) == document


@settings(max_examples=50)
@given(st.lists(compared | compared.map(lambda rule: {**rule, "event": None}), max_size=3))
def test_the_rules_of_a_trigger_need_not_name_the_event(document: list[Any]) -> None:
    """They are the same after having been in a form, too."""
    try:
        criteria.parse(document, trigger_event="cart")
    except Refused:
        return
    form = rule_form.of_rules(document)
    assert rule_form.rules(rule_form.read(sent(form, trigger=True), "rules")) == document


def test_a_rule_that_is_changed_is_written_as_the_form_writes_it() -> None:
    """What came along of it is no longer so."""
    kept = {"type": "website-events", "event": "cart", "operator": "Happened in the last 7 days"}
    said = sent(rule_form.of_rules([kept])) | {"rules.0.value": "9"}
    assert rule_form.rules(rule_form.read(said, "rules")) == [
        {
            "type": "website-events", "event": "cart",
            "operator": "happened in the last x days", "value": "9",
        }
    ]  # fmt: skip


@pytest.mark.parametrize("kept", ["", "{", "[]", "5", '{"type": "fields"}', "[" * 5_000])
def test_what_comes_along_and_is_no_rule_is_not_stored(kept: str) -> None:
    """It is from a browser: anybody may write it."""
    said = sent(
        rule_form.of_rules([{"type": "website-events", "event": "x", "operator": "happened"}])
    )
    found = rule_form.rules(rule_form.read(said | {"rules.0.kept": kept}, "rules"))
    assert found == [{"type": "website-events", "event": "x", "operator": "happened"}]


RULE = RuleForm(EVENT, "cart", operator="happened")


@pytest.mark.parametrize(
    ("command", "place", "shape"),
    [
        ("add event rules", "rules.2", "r(r)e"),
        ("add field rules.1", "rules.1.1", "r(rf)"),
        ("add segment rules", "rules.2", "r(r)s"),
        ("add group rules.1", "rules.1.1.0", "r(r(e))"),
        ("remove rules.0", "", "(r)"),
        ("remove rules.1.0", "", "r()"),
        ("remove rules.1", "", "r"),
        ("remove rules.9", "", "r(r)"),
        ("remove rules", "", "r(r)"),
        ("add event rules.0", "", "r(r)"),
        ("add event others", "", "r(r)"),
        ("add planet rules", "", "r(r)"),
        ("add event rules.x.-1", "", "r(r)"),
        ("explode", "", "r(r)"),
    ],
)
def test_a_button_changes_what_it_says(command: str, place: str, shape: str) -> None:
    """A rule or a group comes or goes; what makes no sense does nothing."""
    form = GroupForm((RULE, GroupForm((RULE,))))
    changed, added = rule_form.changed(form, "rules", command)
    assert (shaped(changed), added) == (shape, place)


def shaped(form: GroupForm) -> str:
    """`r` is the rule that was there, a new one is the first letter of what it is about."""
    return "".join(
        f"({shaped(each)})" if isinstance(each, GroupForm)
        else "r" if each == RULE else each.subject[0]
        for each in form.members
    )  # fmt: skip


def test_each_rule_is_told_what_is_wrong_with_it() -> None:
    """All of them, not the first alone."""
    form = rule_form.read(
        {
            "rules.0.subject": "event",
            "rules.0.operator": "happened",
            "name": "of the segment",
            "rules.1.0.subject": "field",
            "rules.1.0.operator": "resembles",
            "rules.2.subject": "event",
            "rules.2.event": "cart",
            "rules.2.operator": "happened",
        },
        "rules",
    )
    faults = rule_form.faults(form, "rules")
    assert faults["rules.0"] == "Write the name of an event."
    assert "resembles" in faults["rules.1.0"]
    assert set(faults) == {"rules.0", "rules.1.0"}


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Invalid rules[0][12].value: write a number.", ("rules.0.12", "Write a number.")),
        ("Invalid rules[1]: write at least one rule.", ("rules.1", "Write at least one rule.")),
        ("Invalid rules: nest less.", ("rules", "Nest less.")),
        (
            "Invalid Actions[2].ActionParameters.URL parameter: write an address.",
            ("Actions.2", "Write an address."),
        ),
        ("Segment 5 is named by segment 6.", ("", "Segment 5 is named by segment 6.")),
    ],
)
def test_a_message_is_shown_at_the_place_it_speaks_of(
    message: str, expected: tuple[str, str]
) -> None:
    """Where it names none it is shown as it is."""
    assert rule_form.located(message) == expected


def test_rules_nested_deeper_than_can_be_are_not_read() -> None:
    """However deep somebody names a field, it costs nothing."""
    deep = ".".join(["rules", *"0" * 500, "subject"])
    assert rule_form.rules(rule_form.read({deep: "event"}, "rules")) == []
    edge = ".".join(["rules", *"0" * 11, "subject"])
    with pytest.raises(Refused, match="nest at most"):
        criteria.parse(rule_form.rules(rule_form.read({edge: "event"}, "rules")))


def test_what_is_kept_is_plain_text() -> None:
    """It goes through a form whatever is in it."""
    [rule] = rule_form.of_rules(
        [{"type": "fields", "field_id": 5, "operator": "is", "value": "a\nß\0"}]
    ).members
    assert isinstance(rule, RuleForm)
    assert rule.kept.isascii()
    assert "\n" not in rule.kept
    assert json.loads(rule.kept)["value"] == "a\nß\0"
