"""The bundle a request may use; made once by `app`, handed to every door."""

from dataclasses import dataclass

from gateway.ingest.facts import Facts
from gateway.ingest.intake import Intake
from gateway.ingest.refusals import Refusals
from gateway.ingest.tally import Tally
from gateway.settings import Settings
from gateway.signing import Signing
from gateway.store.database import Reader
from gateway.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Services:
    settings: Settings
    signing: Signing
    writer: Writer
    reader: Reader
    facts: Facts
    intake: Intake
    refusals: Refusals
    tally: Tally
