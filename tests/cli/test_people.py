"""`gateway person`, `identity`, `link` and `list set`, run as a shell runs them."""

import hashlib
import json
import uuid as uuids
from urllib.parse import parse_qsl, urlsplit

import pytest
from click.testing import CliRunner

from gateway.cli import main, people
from gateway.records import accounts, bindings, lists
from gateway.records import people as records
from gateway.records.bindings import By
from gateway.settings import Settings, secrets_of
from gateway.signing import Signing
from gateway.store.database import open_database, transaction
from tests import traces

ANN = "ann@example.com"
BROWSER = uuids.UUID("11112222-3333-4444-5555-666677778888")


class Shell:
    """`run` answers what a command printed; `db` is what is in the file."""

    def __init__(self, folder) -> None:
        self.path = folder / "shop.db"
        self.db = open_database(self.path)
        with transaction(self.db):
            self.account = accounts.create(self.db, "owner@example.com", "correct horse", 1)
            self.list = lists.create(self.db, self.account.id, "Shop", (), 1)

    def result(self, *words, **more):
        environment = {"GATEWAY_DB": str(self.path), **more.pop("env", {})}
        return CliRunner().invoke(main, [str(word) for word in words], env=environment, **more)

    def run(self, *words, **more) -> str:
        result = self.result(*words, **more)
        assert result.exit_code == 0, result.output
        return result.stdout

    def facts(self, *words):
        return json.loads(self.run(*words, "--json"))

    def fails(self, *words, **more):
        """The exit code and what was said."""
        result = self.result(*words, **more)
        return result.exit_code, result.stderr.strip()

    def identify(self, email=ANN, uuid=BROWSER, list_id=None, at_ms=1_767_268_800_000):
        """What an identify in a browser leaves behind."""
        list_id = list_id or self.list.id
        with transaction(self.db):
            person = records.subscribe(self.db, list_id, email, at_ms)
            visitor = records.visitor_by_uuid(self.db, list_id, uuid.bytes, at_ms)
            evidence = {"event_id": "e-1", "door": "tracker"}
            bindings.change(
                self.db, visitor, person.id, By.IDENTIFY,
                cause="identify", evidence=evidence, at_ms=at_ms,
            )  # fmt: skip
        return person


@pytest.fixture
def shell(tmp_path):
    made = Shell(tmp_path)
    yield made
    made.db.close()


# gateway person


@pytest.mark.parametrize(
    "who", [("--email", ANN.upper()), ("--uuid", str(BROWSER).upper()), ("--subscriber", 1)]
)
def test_a_person_is_found_by_any_name(shell, who):
    shell.identify()
    [found] = shell.facts("person", "find", *who)
    assert (found["email"], found["browsers"]) == (ANN, str(BROWSER))


def test_a_person_is_found_by_the_callers_own_id(shell):
    person = shell.identify()
    records.name_subscriber(shell.db, person.id, "crm-1")
    [found] = shell.facts("person", "find", "--external-id", "crm-1")
    assert found["email"] == ANN


@pytest.mark.parametrize("command", ["find", "export", "erase"])
def test_exactly_one_name_has_to_be_said(shell, command):
    shell.identify()
    for names in ((), ("--email", ANN, "--subscriber", 1)):
        code, said = shell.fails("person", command, *names)
        assert (code, "one of --email, --uuid, --external-id and --subscriber" in said) == (2, True)


@pytest.mark.parametrize("command", ["find", "export", "erase"])
def test_nobody_found_is_said(shell, command):
    code, said = shell.fails("person", command, "--email", "x@example.com")
    assert (code, said) == (1, "Error: Nobody is held under that name.")


def test_an_export_is_one_json_document(shell, tmp_path):
    shell.identify()
    document = json.loads(shell.run("person", "export", "--email", ANN))
    assert document["persons"][0]["subscriber"]["email"] == ANN
    output = tmp_path / "ann.json"
    shell.run("person", "export", "--email", ANN, "--output", output)
    assert json.loads(output.read_text())["persons"] == document["persons"]


def test_an_erasure_leaves_a_receipt_and_nothing_else(shell):
    shell.identify()
    [receipt] = shell.facts("person", "erase", "--email", ANN, "--yes")
    assert receipt["counts"] == {"bindings": 1, "visitors": 1, "subscribers": 1}
    assert receipt["digest"] == hashlib.sha256(b"email:" + ANN.encode()).hexdigest()
    assert traces.of(shell.db, ANN, BROWSER) == set()


def test_without_a_terminal_an_erasure_wants_yes(shell):
    shell.identify()
    code, said = shell.fails("person", "erase", "--email", ANN)
    assert (code, "say --yes" in said) == (2, True)
    assert ANN in shell.run("person", "find", "--email", ANN)


@pytest.mark.parametrize(("typed", "left"), [("n\n", 1), ("\n", 1), ("y\n", 0)])
def test_on_a_terminal_an_erasure_asks_and_says_whom(shell, monkeypatch, typed, left):
    shell.identify()
    monkeypatch.setattr(people, "on_terminal", lambda: True)
    result = shell.result("person", "erase", "--email", ANN, input=typed)
    assert f"list {shell.list.id}: {ANN}" in result.stderr
    assert result.exit_code == left
    assert shell.db.execute("select count(*) from subscribers").fetchone()[0] == left


def test_a_person_is_erased_on_one_list_or_on_all_of_the_account(shell):
    with transaction(shell.db):
        others = [lists.create(shell.db, shell.account.id, "Other", (), 1) for _ in range(2)]
        stranger = accounts.create(shell.db, "stranger@example.com", "correct horse", 1)
        foreign = lists.create(shell.db, stranger.id, "Foreign", (), 1)
    every = [shell.list.id, *(each.id for each in others), foreign.id]
    for list_id in every:
        shell.identify(list_id=list_id)

    def on_lists():
        rows = shell.db.execute("select list_id from subscribers order by list_id")
        return [row["list_id"] for row in rows]

    shell.run("person", "erase", "--email", ANN, "--list", others[0].id, "--yes")
    assert on_lists() == [shell.list.id, others[1].id, foreign.id]
    code, _ = shell.fails("person", "erase", "--email", ANN, "--yes")
    assert code == 2  # of two accounts, which?
    shell.run("person", "erase", "--email", ANN, "--account", "owner@example.com", "--yes")
    assert on_lists() == [foreign.id]


def test_a_browser_of_two_people_on_two_lists_erases_neither(shell):
    with transaction(shell.db):
        other = lists.create(shell.db, shell.account.id, "Other", (), 1)
    shell.identify(ANN)
    shell.identify("bob@example.com", list_id=other.id)
    code, said = shell.fails("person", "erase", "--uuid", BROWSER, "--yes")
    assert (code, said) == (1, "Error: Several people match: name one of them with --email.")
    assert shell.db.execute("select count(*) from subscribers").fetchone()[0] == 2


# gateway identity


@pytest.mark.parametrize("who", [ANN, str(BROWSER), str(BROWSER).upper()])
def test_the_story_says_when_what_and_why(shell, who):
    shell.identify()
    assert shell.run("identity", "show", who) == (
        f"#1  2026-01-01T12:00:00.000Z  {BROWSER}  identify  nobody -> {ANN}  "
        "event id e-1, door tracker\n"
    )


def test_an_undo_is_told_and_takes_exactly_one_back(shell):
    shell.identify()
    told = shell.run("identity", "undo", 1)
    assert f"{ANN} -> nobody  takes back #1" in told
    assert records.find_visitor(shell.db, shell.list.id, BROWSER.bytes).subscriber_id is None
    first, second = shell.facts("identity", "show", str(BROWSER))
    assert (first["undone_by"], second["undoes"]) == (2, 1)
    assert "(taken back by #2)" in shell.run("identity", "show", ANN)


def test_what_cannot_be_undone_is_said(shell):
    assert shell.fails("identity", "undo", 7) == (2, "Error: There is no binding 7.")


def test_a_story_is_told_of_one_list_or_of_all(shell):
    with transaction(shell.db):
        other = lists.create(shell.db, shell.account.id, "Other", (), 1)
    shell.identify()
    shell.identify(list_id=other.id)
    assert len(shell.facts("identity", "show", ANN)) == 2
    [entry] = shell.facts("identity", "show", ANN, "--list", other.id)
    assert entry["id"] == 2


def test_a_story_nobody_has_is_said(shell):
    assert shell.fails("identity", "show", "x@example.com") == (
        1,
        "Error: Nothing was ever bound under x@example.com.",
    )


# gateway link


def link(shell, url):
    words = ("--list", shell.list.id, "--email", ANN, "--campaign", "spring", "--url", url)
    return shell.run("link", *words).strip()


@pytest.mark.parametrize(
    ("url", "before", "after"),
    [
        ("https://shop.example/shoes", "https://shop.example/shoes?pr=", ""),
        ("https://shop.example", "https://shop.example/?pr=", ""),
        ("https://shop.example/a?b=1&c=%20x", "https://shop.example/a?b=1&c=%20x&pr=", ""),
        ("https://shop.example/a?b=1#part", "https://shop.example/a?b=1&pr=", "#part"),
    ],
)
def test_a_link_keeps_the_urls_own_query(shell, url, before, after):
    shell.identify()
    made = link(shell, url)
    assert made.startswith(before)
    assert made.endswith(after)


def test_a_links_token_names_account_list_person_and_campaign(shell):
    person = shell.identify()
    token = dict(parse_qsl(urlsplit(link(shell, "https://shop.example/")).query))["pr"]
    said = Signing(secrets_of(Settings(db=shell.path))).read_attribution_token(token)
    assert (said.account_id, said.list_id) == (shell.account.id, shell.list.id)
    assert (said.subscriber_id, said.campaign) == (person.id, "spring")


def test_a_link_is_made_for_somebody_on_the_list_only(shell):
    words = ("link", "--list", shell.list.id, "--campaign", "c", "--url", "https://shop.example/")
    assert shell.fails(*words, "--email", "x@example.com") == (
        1,
        f"Error: x@example.com is not on list {shell.list.id}.",
    )


@pytest.mark.parametrize("url", ["shop.example", "mailto:ann@example.com", "https://", "http://["])
def test_what_is_no_page_is_no_link(shell, url):
    shell.identify()
    words = ("link", "--list", shell.list.id, "--email", ANN, "--campaign", "c", "--url", url)
    code, said = shell.fails(*words)
    assert (code, "write it as https://shop.example/page" in said) == (2, True)


# gateway list set


def test_a_list_is_changed_as_said_and_otherwise_stays(shell):
    shell.run("list", "set", shell.list.id, "--origin", "https://Shop.Example/")
    shell.run("list", "set", shell.list.id, "--identify-mode", "bind only")
    shell.run("list", "set", shell.list.id, "--currency", "eur")
    shown = shell.facts("list", "show", shell.list.id)
    assert (shown["allowed_origins"], shown["identify_mode"], shown["currency"]) == (
        "https://shop.example",
        "bind only",
        "EUR",
    )


@pytest.mark.parametrize(
    "words",
    [("--identify-mode", "whatever"), ("--currency", "euros"), ("--origin", "shop.example")],
)
def test_what_a_list_cannot_be_set_to_is_said_and_nothing_changes(shell, words):
    code, said = shell.fails("list", "set", shell.list.id, *words)
    assert code == 2
    assert words[1] in said
    assert lists.get(shell.db, shell.list.id) == shell.list


def test_the_secret_is_shown_only_when_asked_for(shell):
    secret = shell.list.secret
    assert secret not in shell.run("list", "show", shell.list.id)
    assert secret in shell.run("list", "show", shell.list.id, "--secret")


def test_every_command_here_says_what_database_it_wants(tmp_path):
    """A misspelt path makes no empty database."""
    path = tmp_path / "no.db"
    for words in (
        ("person", "find", "--email", ANN),
        ("person", "erase", "--email", ANN, "--yes"),
        ("identity", "show", ANN),
        ("identity", "undo", "1"),
        ("list", "set", "1"),
    ):
        result = CliRunner().invoke(main, [*words, "--db", str(path)])
        assert (result.exit_code, "gateway init" in result.stderr) == (2, True)
    assert not path.exists()


def test_a_list_that_was_deleted_is_listed_no_more(shell):
    with transaction(shell.db):
        other = lists.create(shell.db, shell.account.id, "Other", (), 1)
        lists.bury(shell.db, other.id, 2)
    assert [each["list_id"] for each in shell.facts("list", "ls")] == [shell.list.id]
