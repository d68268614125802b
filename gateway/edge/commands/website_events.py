"""`website_events.properties`: the catalog of a list. To the letter of the reference."""

from gateway.edge.commands import answers
from gateway.edge.commands.command import Answer, Call, Command, Example, whole_number
from gateway.errors import Problem, Refused
from gateway.events.vocabulary import STANDARD_PROPERTIES
from gateway.records import catalog, lists
from gateway.records.lists import SubscriberList

MISSING_LIST = Problem(1, "Missing ListID parameter")
INVALID_LIST = Problem(2, "Invalid ListID parameter")
LIST_NOT_FOUND = Problem(3, "List not found")


async def properties(call: Call) -> Answer:
    found = owned(call)
    catalogued = await call.services.reader.read(catalog.for_list, found.id)
    return {"ListID": str(found.id), "Properties": catalogued}


def owned(call: Call) -> SubscriberList:
    """The caller's list that `ListID` names. Raises Refused."""
    given = call.parameters.get("listid")
    if given is None or given == "":
        raise Refused(MISSING_LIST)
    list_id = whole_number(given)
    if list_id is None:
        raise Refused(INVALID_LIST)
    found = call.services.reader.look_up(lists.owned, list_id, call.caller.account_id)
    if found is None:
        raise Refused(LIST_NOT_FOUND)
    return found


_SAMPLED = sorted((*STANDARD_PROPERTIES, "$id", "$page_title", "number-of-subscribers-imported"))

COMMANDS = (
    Command(
        name="website_events.properties",
        summary="The catalog of a list: its event names, and the properties seen on each.",
        answers=answers.Catalog,
        asks=("ListID",),
        example=Example(
            call={"ListID": 3},
            answer={"ListID": "3", "Properties": {"test": _SAMPLED}},
        ),
        handler=properties,
        methods=("POST", "GET"),
        parameters=("ListID",),
        codes={p.code: p.message for p in (MISSING_LIST, INVALID_LIST, LIST_NOT_FOUND)},
    ),
)
