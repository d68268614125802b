"""Which subscribers criteria mean, as SQL. Read-only.

What happened is read from the summary in `happenings` and the events not in it yet. Properties are
read in one pass over the events of a name, those that pages and browsers share over the contexts
first; what a comparison says of one is `property_sql`'s. A property test holds all of it equal to
what `events/criteria` says. How SQLite goes about it is said in each statement, not left to it.
"""

import sqlite3
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Problem, Refused
from gateway.events.criteria import Criteria, EventRule, FieldRule, Group, Rule, SegmentRule
from gateway.events.vocabulary import BROWSER_PROPERTIES, PAGE_PROPERTIES
from gateway.records import audience, event_log, fields, property_sql
from gateway.records.audience import Condition

DAY_MS = 86_400_000
RULES_MAX = 500  # those of the segments that are named included
FREQUENT = 4  # a name with more than one in so many of all events is read with all of them


@dataclass(frozen=True, slots=True)
class Members:
    """Whom a segment means: all that the criteria hold for, or a sample drawn by the seed."""

    criteria: Criteria
    sample_size: int | None = None
    seed: int = 0


Named = Callable[[int], Members | None]
"""The segment of an id, if the list has it."""


def condition(
    db: sqlite3.Connection,
    list_id: int,
    members: Members,
    *,
    named: Named,
    now_ms: int,
    subscriber_id: int | None = None,
) -> Condition:
    """To be used in the same transaction. With a subscriber it is asked of that one only, which
    reads nothing but what their browsers did. Raises Refused (1004) for what the list has not."""
    property_sql.register(db)
    query = _Query(db, list_id, now_ms, named, subscriber_id)
    return Condition(query.members(members), query.values)


def check_field(rule: FieldRule, field_ids: Container[int]) -> None:
    """That the list has the field. Raises Refused (1004)."""
    is_ours = isinstance(rule.field, int) and rule.field in field_ids
    if not is_ours and rule.field not in audience.FIELDS:
        raise _refused(f"{rule.path}.field_id", f"the list has no field {str(rule.field)!r}")


def check_segment(rule: SegmentRule, segment_ids: Container[int]) -> None:
    """That the list has the segment. Raises Refused (1004)."""
    if rule.segment_id not in segment_ids:
        raise _no_segment(rule)


@dataclass(slots=True)
class _Query:
    """A condition in the making, and the values it names."""

    db: sqlite3.Connection
    list_id: int
    now_ms: int
    named: Named
    subscriber_id: int | None
    values: dict[str, Any] = field(default_factory=dict)
    rules: int = 0

    def bind(self, value: Any) -> str:
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f":{name}"

    def members(self, members: Members) -> str:
        if members.sample_size is None:
            return self._group(members.criteria)
        # A draw is among all of them, whomever it is asked for.
        asked_of, self.subscriber_id = self.subscriber_id, None
        whole = self._group(members.criteria)
        self.subscriber_id = asked_of
        return f"""subscribers.id in (
            select id from subscribers where list_id = {self.bind(self.list_id)} and {whole}
            order by segment_lot({self.bind(members.seed)}, id), id
            limit {self.bind(members.sample_size)})"""  # noqa: S608 - texts of this file

    def _group(self, group: Group) -> str:
        parts = [
            self._group(member) if isinstance(member, Group) else self._rule(member)
            for member in group.members
        ]
        return "(" + ((" and " if group.every else " or ").join(parts) or "1") + ")"

    def _rule(self, rule: Rule) -> str:
        self.rules += 1
        if self.rules > RULES_MAX:
            most = f"with the segments it names these are more than {RULES_MAX} rules"
            raise _refused(rule.path, most)
        if isinstance(rule, FieldRule):
            return self._field(rule)
        if isinstance(rule, SegmentRule):
            return self._segment(rule)
        people = self._who_had(rule) if rule.test else self._whom_it_happened(rule)
        return f"subscribers.id {'not ' * rule.absent}in ({people})"

    def _field(self, rule: FieldRule) -> str:
        check_field(rule, {each.id for each in fields.of_list(self.db, self.list_id)})
        return audience.field_rule(rule, self.bind)

    def _segment(self, rule: SegmentRule) -> str:
        members = self.named(rule.segment_id)
        if members is None:
            raise _no_segment(rule)
        return f"({'not ' * rule.negated}{self.members(members)})"

    def _names(self, rule: EventRule) -> list[int]:
        """The ids of the event names a rule means: a custom event's one, or the few of a kind."""
        rows = self.db.execute(
            """select id from event_names where list_id = :list_id
               and iif(:kind = 0, name = :name, kind = :kind)""",
            {"list_id": self.list_id, "kind": int(rule.kind), "name": rule.name},
        )
        return [row[0] for row in rows]

    def _whom_it_happened(self, rule: EventRule) -> str:
        since = ">= " + self.bind(0 if rule.days is None else self.now_ms - rule.days * DAY_MS)
        names = ", ".join(map(str, self._names(rule)))
        behind = "e.id > (select event_id from happenings_upto)"
        unfolded = f"{behind} and +e.name_id in ({names}) and e.happened_at_ms {since}"
        if self.subscriber_id is None:
            return f"""
                select v.subscriber_id from happenings h cross join visitors v
                where h.name_id in ({names}) and h.last_at_ms {since}
                    and v.id = h.visitor_id and v.subscriber_id is not null
                union all
                select v.subscriber_id from events e not indexed cross join visitors v
                where {unfolded} and v.id = e.visitor_id and v.subscriber_id is not null"""  # noqa: S608
        return f"""
            select v.subscriber_id from visitors v
            where v.subscriber_id = {self.bind(self.subscriber_id)} and (
                exists (select 1 from happenings h where h.name_id in ({names})
                    and h.visitor_id = v.id and h.last_at_ms {since})
                or exists (select 1 from events e indexed by events_by_visitor
                    where e.visitor_id = v.id and {unfolded}))"""  # noqa: S608

    def _who_had(self, rule: EventRule) -> str:
        """Those who had such an event with such a property."""
        assert rule.test is not None
        ids = self._names(rule)
        names = ", ".join(map(str, ids))
        passes = property_sql.passes(rule.test, self.bind)
        if self.subscriber_id is not None:
            return f"""
                select subscriber_id from (
                    select v.subscriber_id, {self._value(rule.parameter)} as x
                    from visitors v cross join events e indexed by events_by_visitor
                    where v.subscriber_id = {self.bind(self.subscriber_id)}
                        and e.visitor_id = v.id and +e.name_id in ({names}) limit -1)
                where {passes}"""  # noqa: S608
        of_names = f"events e indexed by events_by_name where e.name_id in ({names})"
        if self._is_frequent(names):
            either = " or ".join(f"e.name_id = {each}" for each in ids)
            of_names = f"events e not indexed where ({either})"
        if rule.parameter in PAGE_PROPERTIES | BROWSER_PROPERTIES:
            visitors = f"select e.visitor_id from {of_names} and {self._in_context(rule, passes)}"  # noqa: S608
        else:
            value = self._value(rule.parameter)
            visitors = f"""
                select visitor_id from (
                    select e.visitor_id, {value} as x from {of_names} limit -1)
                where {passes}"""  # noqa: S608
        return f"""
            select subscriber_id from visitors
            where subscriber_id is not null and id in ({visitors})"""  # noqa: S608

    def _is_frequent(self, names: str) -> bool:
        """Whether a pass over the whole log is shorter than a way to each event by its name."""
        many = event_log.last_id(self.db) // FREQUENT
        row = self.db.execute(
            f"""select count(*) from (select 1 from events indexed by events_by_name
                where name_id in ({names}) limit {many})""",  # noqa: S608
        )
        return bool(names and row.fetchone()[0] == many)

    def _value(self, name: str) -> str:
        """The JSON of a property of the event `e`, wherever it is kept."""
        source = "e.properties"
        for names, context in (
            (PAGE_PROPERTIES, "e.page_id"),
            (BROWSER_PROPERTIES, "e.browser_id"),
        ):
            if name in names:
                source = f"(select properties from contexts where id = {context})"  # noqa: S608
        return _FACTS.get(name) or property_sql.value(source, name, self.bind)

    def _in_context(self, rule: EventRule, passes: str) -> str:
        """Whether the event `e` has a context with such a property. Each context is asked once.
        Those that have it are given as a byte for each id: found in half the time of a row."""
        value = property_sql.value("properties", rule.parameter, self.bind)
        found = self.db.execute(
            f"select id from (select id, {value} as x from contexts limit -1) where {passes}",  # noqa: S608
            self.values,
        )
        last = self.db.execute("select coalesce(max(id), 0) from contexts").fetchone()[0]
        chosen = bytearray(last + 1)
        for row in found:
            chosen[row[0]] = 1
        context = "e.page_id" if rule.parameter in PAGE_PROPERTIES else "e.browser_id"
        return f"substr({self.bind(bytes(chosen))}, {context} + 1, 1) = x'01'"


_FACTS = {
    "$uuid": "json_quote((select property_uuid(uuid) from visitors where id = e.visitor_id))",
    "$list_id": "json_quote(e.list_id)",
    "$sent_at": "json_quote(strftime('%Y-%m-%dT%H:%M:%S', e.sent_at_ms / 1000, 'unixepoch')"
    " || printf('.%03dZ', e.sent_at_ms % 1000))",
}
"""What is not among an event's stored properties, for it is a fact of its row."""


def _no_segment(rule: SegmentRule) -> Refused:
    return _refused(f"{rule.path}.value", f"the list has no segment {rule.segment_id}")


def _refused(path: str, why: str) -> Refused:
    return Refused(Problem(1004, f"Invalid {path}: {why}."))
