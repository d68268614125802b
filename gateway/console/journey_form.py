"""A journey as a form: what is stored ↔ what stands in inputs. Its rules are `rule_form`'s.

Roots are named as the checks name them that speak of what is wrong, so that each stands where it
belongs.
"""

import dataclasses
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.console import rule_form
from gateway.console.rule_form import GroupForm
from gateway.console.visit import Fields
from gateway.edge.commands.journeys import NAME_CHARS_MAX
from gateway.edge.commands.parameter import TEXT_CHARS_MAX
from gateway.edge.commands.webhook_action import webhook_of
from gateway.errors import NotJson, Problem, Refused
from gateway.events import parse
from gateway.events.vocabulary import Kind
from gateway.records import segments
from gateway.records.journeys import EVENTS, Journey
from gateway.records.webhooks import SIGNATURE_HEADER, Webhook

TRIGGER, RUN, ACTIONS = "Trigger_Criteria", "Run_Criteria", "Actions"
ACTIONS_MAX = 20
LIMIT_MAX = 2**31

KINDS = {
    "PAGE_VIEW": "somebody views a page",
    "IDENTIFY": "somebody says who they are",
    "CONVERSION": "somebody converts",
    "CUSTOM": "another event happens",
}
"""What a journey can wait for, and how people say it."""

NO_NAME = Problem(1, f"Give the journey a name of at most {NAME_CHARS_MAX} characters.")
NO_EVENT = Problem(2, "Write the name of the event that the journey waits for.")
NO_LIMIT = Problem(3, "Write how many may come in as a whole number, or nothing.")
LONG = Problem(4, f"Write at most {TEXT_CHARS_MAX} characters.")
MANY = Problem(5, f"A journey has at most {ACTIONS_MAX} webhooks.")
SEE_BELOW = Problem(6, "Some of it cannot be used: what is wrong stands beside it.")


@dataclass(frozen=True, slots=True)
class ActionForm:
    """`id` is empty for one that is new. `headers` are lines, `payload` is JSON."""

    id: str = ""
    url: str = ""
    headers: str = ""
    payload: str = ""
    signature_header: str = SIGNATURE_HEADER


@dataclass(frozen=True, slots=True)
class Form:
    name: str = ""
    notes: str = ""
    kind: str = "PAGE_VIEW"
    url: str = ""
    event: str = ""
    once: bool = False
    hourly: str = ""
    daily: str = ""
    run_match_all: bool = True
    trigger: GroupForm = field(default_factory=GroupForm)
    run: GroupForm = field(default_factory=GroupForm)
    actions: tuple[ActionForm, ...] = ()

    @property
    def trigger_event(self) -> str:
        """The event that the trigger's rules are on."""
        return self.event if self.kind == "CUSTOM" else EVENTS[Kind[self.kind]]


def of_journey(journey: Journey, webhooks: Sequence[Webhook]) -> Form:
    kind = journey.kind
    return Form(
        name=journey.name,
        notes=journey.notes,
        kind=(Kind.PAGE_VIEW if kind is None else kind).name,
        url=journey.value if kind is Kind.PAGE_VIEW else "",
        event=journey.value if kind is Kind.CUSTOM else "",
        once=journey.once_per_subscriber,
        hourly=str(journey.hourly_max or ""),
        daily=str(journey.daily_max or ""),
        run_match_all=journey.run_match_all,
        trigger=rule_form.of_rules(journey.trigger_rules),
        run=rule_form.of_rules(journey.run_rules),
        actions=tuple(_of_webhook(each) for each in webhooks),
    )


def read(said: Fields) -> Form:
    """The form as it was posted."""
    texts = {name: said.text(name) for name in said.names()}
    kind = said.text("kind")
    return Form(
        name=said.text("name"),
        notes=said.text("notes"),
        kind=kind if kind in KINDS else "PAGE_VIEW",
        url=said.text("url"),
        event=said.text("event"),
        once=said.has("once"),
        hourly=said.text("hourly"),
        daily=said.text("daily"),
        run_match_all=said.text("run_match") != "one",
        trigger=rule_form.read(texts, TRIGGER),
        run=rule_form.read(texts, RUN),
        actions=_read_actions(texts),
    )


def changed(form: Form, command: str) -> tuple[Form, str]:
    """The form after a button that adds or removes something, and the place of what was added."""
    verb, _, place = command.rpartition(" ")
    root, _, number = place.partition(".")
    if root == ACTIONS:
        return _changed_actions(form, verb, number)
    if root == TRIGGER:
        trigger, focus = rule_form.changed(form.trigger, TRIGGER, command)
        return dataclasses.replace(form, trigger=trigger), focus
    run, focus = rule_form.changed(form.run, RUN, command)
    return dataclasses.replace(form, run=run), focus


def faults(form: Form) -> dict[str, str]:
    """What is wrong with the rules, by their places."""
    return rule_form.faults(form.trigger, TRIGGER, form.trigger_event) | rule_form.faults(
        form.run, RUN
    )


def journey_of(db: sqlite3.Connection, form: Form, before: Journey) -> Journey:
    """The journey that the form means. Raises Refused."""
    kind = Kind[form.kind]
    problems = [NO_NAME] * (not 0 < len(form.name) <= NAME_CHARS_MAX)
    problems += [NO_EVENT] * (kind is Kind.CUSTOM and not form.event)
    problems += [NO_LIMIT] * (_limit(form.hourly) is None or _limit(form.daily) is None)
    too_long = any(len(text) > TEXT_CHARS_MAX for text in (form.notes, form.url, form.event))
    problems += [LONG] * too_long
    if problems:
        raise Refused(*problems)
    wanted = dataclasses.replace(
        before,
        name=form.name,
        notes=form.notes,
        kind=kind,
        value={Kind.CUSTOM: form.event, Kind.PAGE_VIEW: form.url}.get(kind, ""),
        once_per_subscriber=form.once,
        hourly_max=_limit(form.hourly) or 0,
        daily_max=_limit(form.daily) or 0,
        trigger_rules=rule_form.rules(form.trigger),
        run_rules=rule_form.rules(form.run),
        run_match_all=form.run_match_all,
    )
    if wanted.run_rules and wanted.list_id:
        segments.condition_of(db, wanted.list_id, wanted.run_criteria)  # all it names is there
    return wanted


def webhooks_of(
    form: Form, journey_id: int, known: Mapping[int, Webhook], hosts_allowed: frozenset[str]
) -> list[Webhook]:
    """The webhooks that the form means, by the same checks as the API's. Raises Refused with what
    is wrong with each."""
    if len(form.actions) > ACTIONS_MAX:
        raise Refused(MANY)
    made: list[Webhook] = []
    problems: list[Problem] = []
    for number, each in enumerate(form.actions):
        path = f"{ACTIONS}[{number}]"
        try:
            action = _action(each, path)
            made.append(webhook_of(action, path, journey_id, dict(known), hosts_allowed))
        except Refused as refused:
            problems += refused.problems
    if problems:
        raise Refused(*problems)
    return made


def _limit(text: str) -> int | None:
    """None for what is no number."""
    if not text:
        return 0
    is_number = text.isascii() and text.isdecimal() and len(text) < 12
    return min(int(text), LIMIT_MAX) if is_number else None


def _of_webhook(webhook: Webhook) -> ActionForm:
    return ActionForm(
        id=str(webhook.id),
        url=webhook.url,
        headers="\n".join(f"{name}: {value}" for name, value in webhook.headers.items()),
        payload=json.dumps(webhook.payload, indent=2, ensure_ascii=False)
        if webhook.payload
        else "",
        signature_header=webhook.signature_header,
    )


def _read_actions(texts: Mapping[str, str]) -> tuple[ActionForm, ...]:
    numbers = {name.split(".")[1] for name in texts if name.startswith(f"{ACTIONS}.")}
    parts = [each.name for each in dataclasses.fields(ActionForm)]
    return tuple(
        ActionForm(**{part: texts.get(f"{ACTIONS}.{number}.{part}", "") for part in parts})
        for number in sorted(numbers, key=lambda text: (len(text), text))
    )


def _changed_actions(form: Form, verb: str, number: str) -> tuple[Form, str]:
    if verb == "add" and len(form.actions) < ACTIONS_MAX:
        place = f"{ACTIONS}.{len(form.actions)}"
        return dataclasses.replace(form, actions=(*form.actions, ActionForm())), place
    if verb == "remove":
        left = (each for at, each in enumerate(form.actions) if str(at) != number)
        return dataclasses.replace(form, actions=tuple(left)), ""
    return form, ""


def _action(form: ActionForm, path: str) -> dict[str, Any]:
    """As a caller of the API writes it."""
    return {
        "Action": "Webhook",
        "ActionID": form.id,
        "ActionParameters": {
            "URL": form.url,
            "Headers": _headers(form.headers, path),
            "Payload": _payload(form.payload, path),
            "SignatureHeader": form.signature_header,
        },
    }


def _headers(text: str, path: str) -> dict[str, str]:
    headers: dict[str, str] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon:
            raise _refused(f"{path}.Headers", "write headers as lines, such as X-Shop: mine")
        headers[name.strip()] = value.strip()
    return headers


def _payload(text: str, path: str) -> Any:
    try:
        return parse.decode(text.encode()) if text else {}
    except NotJson:
        raise _refused(f"{path}.Payload", 'write JSON, such as {"to": "sales"}') from None


def _refused(path: str, write: str) -> Refused:
    return Refused(Problem(7, f"Invalid {path}: {write}."))
