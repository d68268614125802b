"""`RulesJSON` in a call: which subscribers of a list it means."""

import sqlite3
from typing import Any

from gateway.edge.commands.arguments import choice, structure
from gateway.edge.commands.command import Call
from gateway.errors import Problem, Refused
from gateway.events import criteria
from gateway.events.criteria import DEPTH_MAX
from gateway.records import segments
from gateway.records.audience import Condition

INVALID = Problem(1004, "Invalid RulesJSON parameter: …")  # as the docs tell of it
SYNTAX = "Invalid RulesJSON syntax. It must be a properly formatted JSON payload"


def read(
    call: Call,
    operator_name: str,
    *,
    name: str = "RulesJSON",
    syntax: Problem,
    too_deep: Problem | None = None,
) -> tuple[list[Any], bool]:
    """The rules, and whether all of them must hold. Raises Refused."""
    rules = structure(call.parameters, name, syntax)
    rules = [] if rules is None else rules
    if not isinstance(rules, list):
        raise Refused(syntax)
    if _depth(rules) > DEPTH_MAX:
        deep = Problem(1004, f"Invalid {name} parameter: nest at most {DEPTH_MAX} lists.")
        raise Refused(too_deep or deep)
    operator = choice(call.parameters, operator_name, ("and", "or"))
    return rules, operator != "or"


def condition(
    db: sqlite3.Connection, list_id: int, rules: list[Any], match_all: bool, refusal: Problem
) -> Condition:
    """Raises Refused with the call's own number and, besides, with what is wrong."""
    try:
        wanted = criteria.parse(rules, root="RulesJSON", match_all=match_all)
        return segments.condition_of(db, list_id, wanted)
    except Refused as refused:
        raise Refused(refusal, *refused.problems) from None


def _depth(rules: list[Any]) -> int:
    return 1 + max((_depth(rule) for rule in rules if isinstance(rule, list)), default=0)
