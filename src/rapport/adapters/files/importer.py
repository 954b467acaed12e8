"""Flow, before collect: carries a file's facts into the log, so that it can be killed at any moment and run again.

Facts pass the same validation as those that come over HTTP. One transaction appends a batch of them and records
how many steps of the file they end; after a kill the next run reads the file from its start (cheap), leaves out the
steps that are recorded and goes on. Message ids are made from the file's own keys, so even a run that records nothing
would add nothing twice. A server may run beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from rapport.adapters.files import store
from rapport.adapters.files.mapped_csv import MappedCsv
from rapport.adapters.files.model import READER, FileFormat, ImportReport, Progress, Refused, Step, silent
from rapport.adapters.files.olist import Olist
from rapport.adapters.files.online_retail import OnlineRetail
from rapport.adapters.files.reading import fingerprint
from rapport.collect.model import Envelope, QuarantineRow, Source, internal_source
from rapport.collect.names import SPECIFICATION, Vocabulary
from rapport.collect.prepare import prepare, quarantined
from rapport.collect.quarantine import insert_quarantined
from rapport.collect.sources import identifier_policy
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidFact
from rapport.kernel.identifiers import email_identifier, phone_identifier
from rapport.storage import log
from rapport.storage.engine import Database
from rapport.storage.log import LogRow
from rapport.storage.workspaces import Workspace

__all__ = ["envelope_of", "import_csv", "import_files", "import_olist", "import_online_retail", "unusable"]

BATCH_FACTS = 1_000
BATCH_BYTES = 4 * 1024 * 1024
"""A batch is committed when it holds this many facts or bytes, or refused rows of that number."""

SHOWN_ERRORS = 10
"""Refused rows in the report; all that are kept are in the table."""

_NAMES = {
    "identify": "Identified", "page": "Page Viewed", "screen": "Screen Viewed", "group": "Group Joined",
    "alias": "Aliased",
}  # fmt: skip
_encode = msgspec.json.Encoder().encode


def import_olist(
    db: Database, folder: Path, *, workspace: Workspace, progress: Progress = silent,
    clock: Callable[[], int] = now_us, again: bool = False, time_zone: str = "America/Sao_Paulo",
) -> ImportReport:  # fmt: skip
    """Import Olist's tables from a folder (`olist.py` says what becomes of them). See `import_files`."""
    return import_files(db, Olist(folder, time_zone=time_zone), workspace=workspace, progress=progress, clock=clock,
                        again=again)  # fmt: skip


def import_online_retail(
    db: Database, path: Path, *, workspace: Workspace, progress: Progress = silent,
    clock: Callable[[], int] = now_us, again: bool = False, time_zone: str = "Europe/London",
) -> ImportReport:  # fmt: skip
    """Import the UCI Online Retail table (`online_retail.py` says what becomes of it). See `import_files`."""
    return import_files(db, OnlineRetail(path, time_zone=time_zone), workspace=workspace, progress=progress,
                        clock=clock, again=again)  # fmt: skip


def import_csv(
    db: Database, path: Path, *, map_path: Path, workspace: Workspace, progress: Progress = silent,
    clock: Callable[[], int] = now_us, again: bool = False,
) -> ImportReport:  # fmt: skip
    """Import any delimited table by a map (`mapping.py` says what it holds). See `import_files`."""
    files = MappedCsv(path, map_path=map_path, time_zone=workspace.settings.time_zone)
    return import_files(db, files, workspace=workspace, progress=progress, clock=clock, again=again)


def import_files(
    db: Database, files: FileFormat, *, workspace: Workspace, progress: Progress = silent,
    clock: Callable[[], int] = now_us, again: bool = False, vocabulary: Vocabulary = SPECIFICATION,
) -> ImportReport:  # fmt: skip
    """Append every fact of the files to the log, once, and return what was done; the worker folds them as any other.

    An import that was interrupted goes on where it stopped. One that had finished is not read again, unless `again`:
    then only what is missing is added. Raises InvalidInput where the files cannot be read as what they are said to be,
    Conflict where another process is importing the same content.
    """
    mark = fingerprint(files.files, variant=files.variant, progress=progress)
    now = clock()
    with db.write() as conn:
        begun = store.begin(conn, workspace.id, kind=files.kind, title=files.title, fingerprint=mark, now=now)
        if again if begun.finished_at is not None else begun.report.reader != READER:
            store.start_over(conn, workspace.id, begun.report.id)
            begun = store.Imported(
                report=ImportReport(id=begun.report.id, kind=files.kind, title=files.title, reader=READER)
            )
    if begun.finished_at is not None:
        begun.report.repeated = True
    else:
        begun.report.resumed = begun.steps > 0
        settings = workspace.settings
        source = internal_source(workspace.id, policy=identifier_policy(settings), currency=settings.currency)
        _Run(db, begun, source=source, clock=clock, vocabulary=vocabulary).carry(files, progress)
    with db.read() as conn:
        begun.report.errors = store.refusals(conn, workspace.id, begun.report.id, limit=SHOWN_ERRORS)
    return begun.report


def envelope_of(kind: str) -> Envelope:
    """What surrounds the facts of an import."""
    return Envelope(history=True, context={"library": {"name": f"rapport import {kind}"}})


def unusable(message: dict[str, Any], *, region: str | None) -> list[str]:
    """Which of the e-mail address and telephone number of a message name nobody: its fact stands without them."""
    traits = message.get("traits") or message.get("context", {}).get("traits")
    if not traits or message["type"] == "group":
        return []
    email, phone = traits.get("email"), traits.get("phone")
    wrong = ["e-mail address"] if email is not None and email_identifier(email) is None else []
    if phone is not None and phone_identifier(phone, region=region) is None:
        wrong.append("telephone number")
    return wrong


class _Run:
    """One run of an import: gathers steps into batches and commits them."""

    def __init__(self, db: Database, begun: store.Imported, *, source: Source, clock: Callable[[], int],
        vocabulary: Vocabulary,
    ) -> None:  # fmt: skip
        self._db = db
        self._workspace = source.workspace
        self._report = begun.report
        self._source = source
        self._clock = clock
        self._vocabulary = vocabulary
        self._envelope = envelope_of(begun.report.kind)
        self._committed = begun.steps
        self._steps = begun.steps
        self._received_at = clock()
        self._empty()

    def _empty(self) -> None:
        self._rows: list[LogRow] = []
        self._bytes = 0
        self._refused: list[Refused] = []
        self._aside: list[QuarantineRow] = []

    def carry(self, files: FileFormat, progress: Progress) -> None:
        """Commit all steps that are not in the log yet."""
        started = time.monotonic()
        before = self._report.seconds
        for number, step in enumerate(files.steps(progress=progress)):
            if number < self._committed:
                continue
            self._take(step)
            self._steps = number + 1
            self._report.seconds = before + time.monotonic() - started
            if self._full:
                self._commit(finished=False)
        self._report.seconds = before + time.monotonic() - started
        self._report.finished = True
        self._commit(finished=True)

    @property
    def _full(self) -> bool:
        return (
            len(self._rows) >= BATCH_FACTS
            or self._bytes >= BATCH_BYTES
            or len(self._refused) >= BATCH_FACTS
            or self._steps - self._committed >= 20 * BATCH_FACTS
        )

    def _take(self, step: Step) -> None:
        report = self._report
        report.rows += step.rows
        report.silent += step.rows if not step.messages and not step.refused else 0
        if step.refused:
            self._refused.extend(step.refused)
            report.refused += step.rows if not step.messages else len(step.refused)
        told: set[str] = set()
        for message in step.messages:
            body = _encode(message)
            try:
                row = prepare(
                    body, source=self._source, received_at=self._received_at, envelope=self._envelope,
                    vocabulary=self._vocabulary,
                )  # fmt: skip
            except InvalidFact as error:
                self._quarantine(step, body, error)
                continue
            for kind in unusable(message, region=self._source.policy.default_region):
                if kind in told:
                    continue
                told.add(kind)
                report.unusable += 1
                reason = f"its {kind} names nobody; the rest of the row is imported"
                self._refused.append(Refused(step.file, step.line, reason, step.source_row))
            name = message["event"] if message["type"] == "track" else _NAMES[message["type"]]
            report.names[name] = report.names.get(name, 0) + 1
            report.facts += 1
            self._rows.append(row)
            self._bytes += len(row.body)

    def _quarantine(self, step: Step, body: bytes, error: InvalidFact) -> None:
        """A fact that collect refuses can be mended and replayed in quarantine, as one that came over HTTP."""
        self._report.quarantined += 1
        self._aside.append(quarantined(
            body, error, source=self._source, received_at=self._received_at, envelope=self._envelope))  # fmt: skip
        self._refused.append(Refused(step.file, step.line, f"{error.path}: {error.message}", step.source_row))

    def _commit(self, *, finished: bool) -> None:
        now = self._clock()
        report = self._report
        with self._db.write() as conn:
            added = log.append(conn, self._rows)
            store.keep_errors(conn, self._workspace, report.id, self._refused, after=report.refusals)
            insert_quarantined(conn, self._aside)
            moved = msgspec.structs.replace(
                report, added=report.added + added, refusals=report.refusals + len(self._refused)
            )
            store.move_on(conn, self._workspace, moved, before=self._committed, steps=self._steps,
                          finished_at=now if finished else None)  # fmt: skip
        report.added, report.refusals = moved.added, moved.refusals
        self._committed = self._steps
        self._received_at = now
        self._empty()
