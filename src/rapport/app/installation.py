"""The installation as commands see it. Heavy parts are imported by what needs them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rapport.app.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from rapport.act.job_reports import JobState
    from rapport.collect.admission import Admission
    from rapport.collect.names import Vocabulary
    from rapport.compose.installed import Installed
    from rapport.kernel.gate import Gate, NamePurposes
    from rapport.kernel.ids import Key, WorkspaceId
    from rapport.kernel.wording import Wording
    from rapport.remember.backfill import TraitStatus
    from rapport.remember.registry import Remembered
    from rapport.resolve.graph.recompute import Moved
    from rapport.storage.engine import Database

__all__ = ["Installation"]


class Installation:
    """Serves the protocols of all rooms' commands; what a click context carries as its object."""

    @property
    def slices(self) -> Installed:
        """What is installed here."""
        from rapport.app.wiring import installed

        return installed()

    @property
    def remembered(self) -> Remembered:
        """The parts and traits of what is installed here."""
        return self.slices.remembered

    @property
    def wording(self) -> Wording:
        """How facts read, by what is installed here."""
        return self.slices.wording

    @property
    def vocabulary(self) -> Vocabulary:
        """The events that are understood here."""
        return self.slices.vocabulary

    def admission(self, db: Database) -> Admission:
        """What is kept here of what shops are sent."""
        return self.slices.admission(db)

    def folder(self, data_dir: Path | None) -> Path:
        """The data folder: the one that is named, or the default one."""
        return Settings.load(data_dir=data_dir).data_dir

    @contextmanager
    def open(self, data_dir: Path | None) -> Iterator[Database]:
        """The database of a data folder, its schema up to date and with a workspace in it."""
        from rapport.app.bootstrap import bootstrap, open_database

        settings = Settings.load(data_dir=data_dir)
        db = open_database(settings)
        try:
            bootstrap(db, settings)
            yield db
        finally:
            db.close()

    def fold(self, db: Database) -> None:
        """Return once every fact of the log is folded, by this process or by one that runs already."""
        from rapport.app.pipeline import Pipeline
        from rapport.app.worker import drain

        drain(Pipeline(db))

    @property
    def gate(self) -> Gate:
        """Says what may be done with whom."""
        return self.slices.gate

    @property
    def name_purposes(self) -> NamePurposes:
        """Names the purposes of a shop's policies."""
        return self.slices.name_purposes

    def fill(self, db: Database, wanted: Collection[str], tell: Callable[[Sequence[TraitStatus]], bool]) -> None:
        """Have these parts learn what they missed of the past, here or in a worker that runs already."""
        from rapport.app.pipeline import Pipeline
        from rapport.app.worker import fill_all

        fill_all(Pipeline(db), wanted, tell)

    def score(self, db: Database) -> None:
        """Return once every record that is pending has been scored against its shop's model."""
        from rapport.app.pipeline import Pipeline
        from rapport.app.worker import link_all

        link_all(Pipeline(db))

    def run_job(self, db: Database, name: str) -> JobState:
        """Return once a turn of the job is done, with how it went. Raises NotFound."""
        from rapport.app.pipeline import Pipeline
        from rapport.app.worker import run_job_now

        return run_job_now(Pipeline(db), name)

    @property
    def kinds(self) -> Mapping[str, str]:
        """What the columns of `fields_of` hold."""
        from rapport.remember import persons

        return persons.COLUMNS

    def fields_of(
        self, conn: Connection, workspace: WorkspaceId, units: Mapping[Key, list[Key]]
    ) -> dict[Key, dict[str, str]]:
        """What is known of people, by the parts and traits of this installation."""
        from rapport.remember import persons

        return persons.fields_of(conn, workspace, units, remembered=self.remembered)

    def moved(self, conn: Connection, several: Sequence[Moved]) -> None:
        """Have the lines of customers made anew whose identifiers moved, in the same transaction."""
        from rapport.remember import customers

        customers.mark_moved(conn, several)
