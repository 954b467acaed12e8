"""Flow, before collect: carries a file's facts into the log, so that it can be killed at any moment and run again.

Facts pass the same validation as those that come over HTTP. One transaction appends a batch of them and records
how many steps of the file they end; after a kill the next run reads the file from its start (cheap), leaves out the
steps that are recorded and goes on. Message ids are made from the file's own keys, so even a run that records nothing
would add nothing twice. A server may run beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection

from rapport.adapters.files import store
from rapport.adapters.files.mapped_csv import PACE, MappedCsv
from rapport.adapters.files.model import READER, FileFormat, ImportReport, Progress, Refused, Step, silent
from rapport.adapters.files.olist import Olist
from rapport.adapters.files.online_retail import OnlineRetail
from rapport.adapters.files.reading import fingerprint
from rapport.adapters.files.redacting import redacted_refusals
from rapport.collect.model import Envelope, QuarantineRow, internal_source
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

__all__ = [
    "ImportRun",
    "begin",
    "envelope_of",
    "import_csv",
    "import_files",
    "import_olist",
    "import_online_retail",
    "unusable",
]

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
        begun = begin(conn, files, mark, workspace=workspace, now=now, again=again)
    if begun.finished_at is None:
        run = ImportRun(begun, workspace=workspace, clock=clock, vocabulary=vocabulary)
        for finished in run.batches(files, progress):
            if finished is not None:
                with db.write() as conn:
                    run.write(conn, finished=finished)
                run.written()
    with db.read() as conn:
        begun.report.errors = store.refusals(conn, workspace.id, begun.report.id, limit=SHOWN_ERRORS)
    return begun.report


def begin(
    conn: Connection, files: FileFormat, mark: str, *, workspace: Workspace, now: int, again: bool = False
) -> store.Imported:
    """The import of these files, whose fingerprint is `mark`: the one of an earlier time, or a new one."""
    begun = store.begin(conn, workspace.id, kind=files.kind, title=files.title, fingerprint=mark, now=now)
    if again if begun.finished_at is not None else begun.report.reader != READER:
        store.start_over(conn, workspace.id, begun.report.id)
        report = ImportReport(id=begun.report.id, kind=files.kind, title=files.title, reader=READER)
        return store.Imported(report=report)
    begun.report.repeated = begun.finished_at is not None
    begun.report.resumed = begun.finished_at is None and begun.steps > 0
    return begun


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


class ImportRun:
    """One run of an import: gathers steps into batches, which its caller commits by `write` and `written`."""

    def __init__(
        self, begun: store.Imported, *, workspace: Workspace, clock: Callable[[], int],
        vocabulary: Vocabulary = SPECIFICATION,
    ) -> None:  # fmt: skip
        settings = workspace.settings
        self._workspace = workspace.id
        self._report = begun.report
        self._source = internal_source(workspace.id, policy=identifier_policy(settings), currency=settings.currency)
        self._vocabulary = vocabulary
        self.at_most = BATCH_FACTS
        """Facts of a batch."""
        self.clock = clock
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

    def batches(self, files: FileFormat, progress: Progress) -> Iterator[bool | None]:
        """What is not in the log yet: False whenever a batch is to be committed, True for the last one.

        None now and then, where it takes long until the next one: somebody else may have a turn.
        """
        started = time.monotonic()
        before = self._report.seconds
        number = -1
        for step in _paced(files, progress):
            if step is None:
                yield None
                continue
            number += 1
            if number < self._committed:
                if number % PACE == 0:
                    yield None
                continue
            self._take(step)
            self._steps = number + 1
            self._report.seconds = before + time.monotonic() - started
            if self._full:
                yield False
        self._report.seconds = before + time.monotonic() - started
        self._report.finished = True
        yield True

    @property
    def facts(self) -> int:
        """Facts of the batch so far."""
        return len(self._rows)

    @property
    def _full(self) -> bool:
        return (
            len(self._rows) >= self.at_most
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

    def write(self, conn: Connection, *, finished: bool) -> None:
        """Append the batch and record how far the file is, in this transaction.

        Raises Conflict where another process has moved on meanwhile.
        """
        report = self._report
        added = log.append(conn, self._rows)
        refused = redacted_refusals(conn, self._workspace, self._refused)
        store.keep_errors(conn, self._workspace, report.id, refused, after=report.refusals)
        insert_quarantined(conn, self._aside)
        self._moved = msgspec.structs.replace(
            report, added=report.added + added, refusals=report.refusals + len(self._refused)
        )
        store.move_on(conn, self._workspace, self._moved, before=self._committed, steps=self._steps,
                      finished_at=self.clock() if finished else None)  # fmt: skip

    def written(self) -> None:
        """The transaction is committed: the next batch begins."""
        self._report.added, self._report.refusals = self._moved.added, self._moved.refusals
        self._committed = self._steps
        self._received_at = self.clock()
        self._empty()


def _paced(files: FileFormat, progress: Progress) -> Iterator[Step | None]:
    return files.paced(progress=progress) if isinstance(files, MappedCsv) else files.steps(progress=progress)
