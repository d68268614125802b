"""Segments: whom the rules mean, in time and by name, by sample and by each other."""

import dataclasses
import functools
from typing import Any

import pytest

from gateway import clock
from gateway.errors import Refused
from gateway.records import audience, fields, happenings, lists, people, removal, segments
from gateway.records.segments import Segment
from tests.unit.records.shop import DAY_MS, NOON_MS, Shop


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now_ms", lambda: NOON_MS)


def event(operator: str, name: str = "buy", parameter: str = "", value: Any = None) -> Any:
    return {
        "type": "website-events", "event": name, "operator": operator,
        "event_parameter": parameter, "value": value,
    }  # fmt: skip


def member(segment: Segment, operator: str = "belongs to") -> Any:
    return {"type": "segments", "operator": operator, "value": segment.id}


def made(shop: Shop, *rules: Any, match_all: bool = True, **more: Any) -> Segment:
    given = {"name": "S", "now_ms": NOON_MS, **more}
    return segments.create(shop.db, shop.list_id, rules=list(rules), match_all=match_all, **given)


def whom(shop: Shop, segment: Segment) -> list[str]:
    wanted = segments.condition(shop.db, segment)
    found = audience.page(shop.db, segment.list_id, wanted, rows=1_000)
    assert audience.count(shop.db, segment.list_id, wanted) == len(found)
    for person in found:
        assert segment in segments.of_subscriber(shop.db, segment.list_id, person.id)
    return [person.email.partition("@")[0] for person in found]


def customers(shop: Shop) -> None:
    """ann bought today and 20 days ago, ben 10 days ago, cat looked only, dan never came."""
    ann, ben, cat = (shop.browser() for _ in range(3))
    for browser, days in ((ann, 20), (ben, 10), (ann, 0)):
        shop.send("buy", browser, at_ms=NOON_MS - days * DAY_MS, properties={"price": days})
    shop.view(cat, at_ms=NOON_MS - DAY_MS)
    for name, browser in (("ann", ann), ("ben", ben), ("cat", cat)):
        shop.identify(browser, f"{name}@example.com", at_ms=NOON_MS)
    shop.person("dan@example.com")


@pytest.mark.parametrize("folded", [0, 2, 100])
@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (event("happened"), ["ann", "ben"]),
        (event("did not happen"), ["cat", "dan"]),
        (event("happened in the last X days", value=10), ["ann", "ben"]),
        (event("happened in the last X days", value="9"), ["ann"]),
        (event("happened in the last 9 days"), ["ann"]),
        (event("did not happen in the last X days", value=9), ["ben", "cat", "dan"]),
        (event("happened", "page_view"), ["cat"]),
        (event("happened", "identify"), ["ann", "ben", "cat"]),
        (event("contains", "identify", "emailAddress", "ANN@"), ["ann"]),
        (event("equals", parameter="price", value=20), ["ann"]),
        (event("does not equal", parameter="price", value=20), ["ann", "ben"]),
        (event("less than", parameter="price", value=15), ["ann", "ben"]),
        (event("greater than", parameter="price", value=15), ["ann"]),
        (event("is not set", parameter="price"), []),
        (event("is set", "pageView", "$current_url"), ["cat"]),
        (event("happened", "never"), []),
        (event("did not happen", "never"), ["ann", "ben", "cat", "dan"]),
    ],
)
def test_a_rule_on_events_means_these_people(
    shop: Shop, rule: Any, expected: list[str], folded: int
) -> None:
    """The same however much of the log is in the summary."""
    customers(shop)
    happenings.fold_some(shop.db, folded)
    assert whom(shop, made(shop, rule)) == expected


def test_a_person_s_past_counts_from_the_moment_they_are_known(shop: Shop) -> None:
    browser = shop.browser()
    shop.send("buy", browser)
    segment = made(shop, event("happened"))
    assert whom(shop, segment) == []
    shop.identify(browser, "ann@example.com")
    assert whom(shop, segment) == ["ann"]


def test_rules_on_events_fields_and_segments_are_combined(shop: Shop) -> None:
    customers(shop)
    address = {"type": "fields", "field_id": "EmailAddress", "operator": "begins with"}
    buyers = made(shop, event("happened"))
    assert whom(shop, made(shop, member(buyers), {**address, "value": "b"})) == ["ben"]
    assert whom(shop, made(shop, [member(buyers), {**address, "value": "d"}])) == [
        "ann", "ben", "dan",
    ]  # fmt: skip
    either = made(shop, {**address, "value": "c"}, [member(buyers), {**address, "value": "a"}],
                  match_all=False)  # fmt: skip
    assert whom(shop, either) == ["ann", "cat"]
    assert whom(shop, made(shop, member(buyers, "does not belong to"))) == ["cat", "dan"]
    assert whom(shop, made(shop)) == ["ann", "ben", "cat", "dan"]


def test_another_list_s_events_count_for_nobody_here(shop: Shop) -> None:
    customers(shop)
    other = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    elsewhere = segments.create(
        shop.db, other, name="S", rules=[event("did not happen")], match_all=True, now_ms=NOON_MS
    )
    assert whom(shop, elsewhere) == []


def test_a_sample_is_the_same_each_time_and_another_by_another_seed(shop: Shop) -> None:
    for number in range(100):
        shop.person(f"p{number:02}@example.com")
    segment = made(shop, sample_size=30)
    drawn = whom(shop, segment)
    assert len(drawn) == 30
    assert whom(shop, segment) == drawn
    reseeded = segments.condition(shop.db, dataclasses.replace(segment, seed=segment.seed + 1))
    again = audience.page(shop.db, shop.list_id, reseeded, rows=100)
    assert [person.email.partition("@")[0] for person in again] != drawn
    shop.person("new@example.com")
    assert len(set(whom(shop, segment)) & set(drawn)) >= 29
    assert len(whom(shop, made(shop, sample_size=1_000))) == 101


def test_a_sample_is_drawn_from_those_the_rules_mean(shop: Shop) -> None:
    customers(shop)
    buyers = made(shop, event("happened"), sample_size=1)
    assert whom(shop, buyers)[0] in ("ann", "ben")
    inside = made(shop, member(buyers))
    assert whom(shop, inside) == whom(shop, buyers)
    assert len(whom(shop, made(shop, member(buyers, "does not belong to")))) == 3


def test_a_segment_never_leads_back_to_itself(shop: Shop) -> None:
    first = made(shop, event("happened"))
    second = made(shop, [event("happened"), member(first)])
    third = made(shop, member(second))
    with pytest.raises(
        Refused, match=rf"RulesJson\[0\]\.value: segment {third.id} is made of this"
    ):
        segments.change(shop.db, dataclasses.replace(first, rules=[member(third)]))
    with pytest.raises(Refused, match="is made of this one"):
        segments.change(shop.db, dataclasses.replace(first, rules=[member(first)]))


def test_what_a_segment_names_must_be_on_its_list(shop: Shop) -> None:
    other = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    theirs = segments.create(shop.db, other, name="S", rules=[], match_all=True, now_ms=NOON_MS)
    field = fields.create(shop.db, other, name="Plan", type="Text")
    with pytest.raises(Refused, match=rf"\[0\]\.value: the list has no segment {theirs.id}"):
        made(shop, member(theirs))
    rule = {"type": "fields", "field_id": field.id, "operator": "is set"}
    with pytest.raises(Refused, match=r"\[0\]\[0\]\.field_id: the list has no field"):
        made(shop, [rule])


def test_segments_that_multiply_are_refused_when_asked(shop: Shop) -> None:
    """Each names the one before ten times: the fourth would be ten thousand rules."""
    segment = made(shop, event("happened"))
    for _ in range(4):
        segment = made(shop, [member(segment)] * 10)
    with pytest.raises(Refused, match="more than 500 rules"):
        segments.condition(shop.db, segment)


def test_a_segment_that_another_names_is_deleted_with_it_only(shop: Shop) -> None:
    first = made(shop)
    second = made(shop, member(first))
    with pytest.raises(Refused, match=f"named by segment {second.id}"):
        segments.delete(shop.db, [first])
    segments.delete(shop.db, [first, second])
    assert segments.of_list(shop.db, shop.list_id) == []
    assert made(shop).id == second.id + 1


def test_a_segment_whose_field_is_gone_means_nobody_and_says_so(shop: Shop) -> None:
    person = shop.person("ann@example.com")
    field = fields.create(shop.db, shop.list_id, name="Plan", type="Text")
    segment = made(shop, {"type": "fields", "field_id": field.id, "operator": "is not set"})
    assert whom(shop, segment) == ["ann"]
    fields.delete(shop.db, field.id)
    with pytest.raises(Refused, match="the list has no field"):
        segments.condition(shop.db, segment)
    assert segments.of_subscriber(shop.db, shop.list_id, person.id) == []


def test_segments_are_copied_with_the_other_list_s_fields_and_segments(shop: Shop) -> None:
    other = lists.create(shop.db, shop.account_id, "Other", (), NOON_MS).id
    plan = fields.create(shop.db, shop.list_id, name="Plan", type="Text", alias="plan")
    rule = {"type": "fields", "field_id": f"CustomField{plan.id}", "operator": "is", "value": "x"}
    first = made(shop, [rule], name="Payers", sample_size=5)
    made(shop, [member(first), event("happened")], match_all=False, name="Either")
    with pytest.raises(Refused, match="'Payers' speaks of field"):
        segments.copy(shop.db, shop.list_id, other, NOON_MS)
    shop.db.execute("delete from segments where list_id = ?", (other,))
    theirs = fields.create(shop.db, other, name="Tarif", type="Text", alias="PLAN")
    payers, either = segments.copy(shop.db, shop.list_id, other, NOON_MS)
    assert (payers.name, payers.sample_size) == ("Payers", 5)
    assert payers.rules == [[{**rule, "field_id": theirs.id}]]
    assert either.rules == [[member(payers), event("happened")]]
    assert not either.match_all


def test_a_removed_list_takes_its_segments_with_it(shop: Shop) -> None:
    customers(shop)
    happenings.fold_some(shop.db)
    made(shop, event("happened"))
    lists.bury(shop.db, shop.list_id, NOON_MS)
    while removal.remove_some(shop.db, shop.list_id):
        pass
    assert lists.buried(shop.db) == []
    for table in ("segments", "happenings", "events"):
        assert shop.db.execute(f"select count(*) from {table}").fetchone()[0] == 0


def test_the_summary_and_the_rest_of_the_log_are_read_by_their_keys(shop: Shop) -> None:
    """What happened is never looked for among all events."""
    customers(shop)
    segment = made(shop, event("happened"), event("did not happen in the last X days", value=3))
    wanted = segments.condition(shop.db, segment)
    plan = [
        row["detail"]
        for row in shop.db.execute(
            f"explain query plan select count(*) from subscribers where {wanted.sql}", wanted.values
        )
    ]
    assert [line for line in plan if line.startswith("SCAN") and "events" in line] == []
    assert "SEARCH h USING PRIMARY KEY (name_id=?)" in plan
    assert "SEARCH e USING INTEGER PRIMARY KEY (rowid>?)" in plan


def test_a_person_s_segments_are_told_as_far_as_time_allows(shop: Shop) -> None:
    """What was not asked to the end is said to be so, and the connection is as it was."""
    customers(shop)
    first, second = made(shop, event("happened")), made(shop, event("happened", "pageView"))
    ann = people.subscriber_by_email(shop.db, shop.list_id, "ann@example.com")
    assert ann
    ask = functools.partial(segments.of_subscriber_within, shop.db, shop.list_id, ann.id)
    assert ask(60) == ([first], [])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "OPERATIONS_A_LOOK", 1)
        assert ask(-1) == ([], [first, second])
    assert segments.of_subscriber(shop.db, shop.list_id, ann.id) == [first]
