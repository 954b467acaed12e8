"""Console pages of imports: files are handed in, looked at, made to fit, imported by a worker, and remembered."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import RequestEncodingType
from litestar.params import Body
from litestar.response import Redirect
from sqlalchemy import Connection

from rapport.adapters.files import store, uploads
from rapport.adapters.files.columns import DATES, guessed, uses, with_columns
from rapport.adapters.files.mapped_csv import MappedCsv, table_of
from rapport.adapters.files.mapping import WrittenMap, parse_map
from rapport.adapters.files.model import ImportReport
from rapport.adapters.files.preview import Preview, preview
from rapport.adapters.files.ready import any_maps, best_fit, ready_map, ready_maps
from rapport.adapters.files.uploads import MAX_BYTES, Upload
from rapport.collect.names import Vocabulary
from rapport.kernel.clock import now_us
from rapport.kernel.errors import InvalidInput, RapportError
from rapport.kernel.principal import Principal
from rapport.kernel.wording import Wording
from rapport.storage.engine import Database
from rapport.storage.workspaces import Workspace, all_workspaces
from rapport.web.console import ConsolePages, NavItem, render
from rapport.web.forms import Form, integer, raw, text

__all__ = ["PAGES"]

AnyRequest = Request[Any, Any, Any]
Parts = Annotated[dict[str, Any], Body(media_type=RequestEncodingType.MULTI_PART)]

SHOWN = 50
"""Imports in the history."""
SHOWN_REFUSALS = 20
FORM_BYTES = 100_000
"""What a form may hold beside its file."""


class Past(NamedTuple):
    """One import of the history: a file that was handed in, or one that the command read."""

    at: int
    name: str
    by: str
    upload: Upload | None
    report: ImportReport | None


class ColumnChoice(NamedTuple):
    """A column of a map, and the one of the file that stands for it."""

    name: str
    becomes: str
    there: bool
    needed: bool


@get("/imports", permission="sources:read", sync_to_thread=True)
def imports_page(request: AnyRequest, db: Database, principal: Principal) -> Response[str]:
    """Files to hand in, and what became of earlier ones."""
    return _imports(request, db, principal)


@post(
    "/imports", permission="sources:write", sync_to_thread=True, status_code=200,
    request_max_body_size=MAX_BYTES + FORM_BYTES,
)  # fmt: skip
def hand_in(request: AnyRequest, db: Database, principal: Principal, settings: Any, data: Parts) -> Response[Any]:
    """Keep a file, and find out which map reads it."""
    file = data.get("file")
    try:
        if not isinstance(file, UploadFile) or not file.filename:
            raise InvalidInput("no file was chosen", hint="choose the file that was exported")
        upload_id = _keep(db, principal, settings.data_dir.absolute() / "imports" / "uploads", file)
    except RapportError as error:
        return _imports(request, db, principal, error=error)
    return Redirect(f"/console/imports/{upload_id}", status_code=303)


@get("/imports/{upload_id:str}", permission="sources:write", sync_to_thread=True)
def import_page(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, vocabulary: Vocabulary, upload_id: str
) -> Response[str]:
    """One file: what it would bring, how far it is, or what it brought."""
    return _one(request, db, principal, wording, vocabulary, upload_id)


@get("/imports/{upload_id:str}/progress", permission="sources:write", sync_to_thread=True)
def progress(request: AnyRequest, db: Database, principal: Principal, upload_id: str) -> Response[str]:
    """How far an import is; the whole page again once it is over."""
    with db.read() as conn:
        upload, report = _found(conn, principal, upload_id)
    answer = render(request, "imports/progress.html", upload=upload, report=report)
    if not upload.is_open:
        answer.headers["HX-Refresh"] = "true"
    return answer


@post("/imports/{upload_id:str}/map", permission="sources:write", sync_to_thread=True, status_code=200)
def choose_map(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    wording: Wording,
    vocabulary: Vocabulary,
    upload_id: str,
    data: Form,
) -> Response[Any]:
    """Read the file by another map."""
    try:
        said = ready_map(text(data, "map"))
        with db.read() as conn:
            upload, _ = _found(conn, principal, upload_id)
        if said.table.name in any_maps():
            said = guessed(said, table_of(_path(upload), said.table, title=upload.name).header)
        _choose(db, principal, upload_id, said, data)
    except RapportError as error:
        return _one(request, db, principal, wording, vocabulary, upload_id, error=error)
    return Redirect(f"/console/imports/{upload_id}?done=saved", status_code=303)


@post("/imports/{upload_id:str}/columns", permission="sources:write", sync_to_thread=True, status_code=200)
def choose_columns(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    wording: Wording,
    vocabulary: Vocabulary,
    upload_id: str,
    data: Form,
) -> Response[Any]:
    """Say which column of the file is what, and how dates are written."""
    try:
        with db.read() as conn:
            upload, _ = _found(conn, principal, upload_id)
        said = parse_map(upload.map_text, upload.map_name)
        table = table_of(_path(upload), said.table, title=upload.name)
        known = set(table.header)
        names = [raw(data, f"column-{number}") for number in range(len(said.table.columns))]
        chosen = {old: new if new in known else "" for old, new in zip(said.table.columns, names, strict=True)}
        unchanged = {old: old for old, new in chosen.items() if not new and not table.has(old)}
        _choose(db, principal, upload_id, with_columns(
            said, chosen | unchanged, dates=DATES.get(raw(data, "dates"), "")), data)  # fmt: skip
    except RapportError as error:
        return _one(request, db, principal, wording, vocabulary, upload_id, error=error)
    return Redirect(f"/console/imports/{upload_id}?done=saved", status_code=303)


@post("/imports/{upload_id:str}/start", permission="sources:write", sync_to_thread=True, status_code=200)
def start(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    wording: Wording,
    vocabulary: Vocabulary,
    upload_id: str,
    data: Form,
) -> Response[Any]:
    """Have a worker import the file."""
    try:
        with db.write() as conn:
            uploads.start(conn, principal.workspace, upload_id, seen=_version(data), now=db.now_us(conn))
    except RapportError as error:
        return _one(request, db, principal, wording, vocabulary, upload_id, error=error)
    return Redirect(f"/console/imports/{upload_id}?done=run", status_code=303)


@post("/imports/{upload_id:str}/drop", permission="sources:write", sync_to_thread=True, status_code=200)
def drop(
    request: AnyRequest,
    db: Database,
    principal: Principal,
    wording: Wording,
    vocabulary: Vocabulary,
    upload_id: str,
    data: Form,
) -> Response[Any]:
    """Give the file up, or stop its import."""
    try:
        with db.write() as conn:
            uploads.drop(conn, principal.workspace, upload_id, seen=_version(data), now=db.now_us(conn))
    except RapportError as error:
        return _one(request, db, principal, wording, vocabulary, upload_id, error=error)
    return Redirect("/console/imports?done=discarded", status_code=303)


@get("/refused-lines/{import_id:str}", permission="sources:write", sync_to_thread=True)
def refused_lines(db: Database, principal: Principal, import_id: str) -> Response[bytes]:
    """The refused lines of an import as a table to download; no cell is a formula."""
    with db.read() as conn:
        rows = store.refusals(conn, principal.workspace, import_id)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("file", "line", "reason", "row"))
    writer.writerows([_plain(one.file), one.line, _plain(one.reason), _plain(one.row)] for one in rows)
    return Response(
        out.getvalue().encode(), media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="refused-lines.csv"', "Cache-Control": "no-store"},
    )  # fmt: skip


PAGES = ConsolePages(
    room="imports",
    templates=Path(__file__).parent / "templates",
    handlers=(
        imports_page, hand_in, import_page, progress, choose_map, choose_columns, start, drop, refused_lines,
    ),
    nav=(
        NavItem(
            label="Import", path="/console/imports", icon="up", group="Data", order=215, permission="sources:read",
            keys="u",
        ),
    ),
)  # fmt: skip


def _keep(db: Database, principal: Principal, folder: Path, file: UploadFile) -> str:
    upload_id, path, size = uploads.keep_file(folder, file.file)
    try:
        uploads.refuse_other_files(path, file.filename)
        with db.write() as conn:
            uploads.put_in(
                conn, principal.workspace, upload_id, path, name=file.filename, size=size, said=_best(path),
                by=principal.name, now=db.now_us(conn),
            )  # fmt: skip
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return upload_id


def _best(path: Path) -> WrittenMap | None:
    try:
        return best_fit(path)[0].said
    except InvalidInput:
        return None


def _found(conn: Connection, principal: Principal, upload_id: str) -> tuple[Upload, ImportReport | None]:
    upload = uploads.find_upload(conn, principal.workspace, upload_id)
    report = store.find_report(conn, principal.workspace, upload.import_id) if upload.import_id else None
    return upload, report


def _shop(conn: Connection, principal: Principal) -> Workspace:
    return next(one for one in all_workspaces(conn) if one.id == principal.workspace)


def _path(upload: Upload) -> Path:
    """Where the file is. Raises InvalidInput where it is gone."""
    if not upload.path or not Path(upload.path).is_file():
        raise InvalidInput(f"{upload.name} is not kept any more", hint="hand it in again")
    return Path(upload.path)


def _version(data: Mapping[str, Any]) -> int:
    return integer(dict(data), "version", least=0, most=2**31 - 1, otherwise=0)


def _choose(db: Database, principal: Principal, upload_id: str, said: WrittenMap, data: Mapping[str, Any]) -> None:
    with db.write() as conn:
        uploads.choose_map(conn, principal.workspace, upload_id, said, seen=_version(data))


def _imports(
    request: AnyRequest, db: Database, principal: Principal, *, error: RapportError | None = None
) -> Response[str]:
    with db.read() as conn:
        handed_in = uploads.newest_uploads(conn, principal.workspace, limit=SHOWN)
        reports = store.newest_reports(conn, principal.workspace, limit=SHOWN)
    by_id = {report.id: report for _, report in reports}
    of_files = {upload.import_id for upload in handed_in}
    past = [Past(u.uploaded_at, u.name, u.uploaded_by, u, by_id.get(u.import_id or "") if not u.repeated else None)
            for u in handed_in]  # fmt: skip
    past += [Past(at, one.title, "", None, one) for at, one in reports if one.id not in of_files]
    return render(
        request, "imports/imports.html", status=error.status if error else 200, error=error,
        past=sorted(past, key=lambda one: -one.at)[:SHOWN], maps=[said.table for said in ready_maps().values()],
        megabytes=MAX_BYTES // 1024**2,
    )  # fmt: skip


def _one(
    request: AnyRequest, db: Database, principal: Principal, wording: Wording, vocabulary: Vocabulary,
    upload_id: str, *, error: RapportError | None = None,
) -> Response[str]:  # fmt: skip
    with db.read() as conn:
        upload, report = _found(conn, principal, upload_id)
        refusals = [] if report is None else store.refusals(
            conn, principal.workspace, report.id, limit=SHOWN_REFUSALS)  # fmt: skip
        shop = _shop(conn, principal)
    said = parse_map(upload.map_text, upload.map_name) if upload.map_text else None
    looked: dict[str, Any] = {"found": None, "columns": (), "header": (), "any": False, "trouble": None}
    if upload.state == "ready":
        looked |= _look(upload, said, shop, wording, vocabulary)
    return render(
        request, "imports/import.html", status=error.status if error else 200, upload=upload, report=report,
        refusals=refusals, error=error, table=None if said is None else said.table, dates=list(DATES),
        maps=[one.table for one in (ready_maps() | any_maps()).values()], who_words=who_words, **looked,
    )  # fmt: skip


def _look(
    upload: Upload, said: WrittenMap | None, shop: Workspace, wording: Wording, vocabulary: Vocabulary
) -> dict[str, Any]:
    """What the file would bring, and how its columns are read; or why that cannot be told."""
    try:
        path = _path(upload)
        if said is None:
            best_fit(path, title=upload.name)
            return {}
        table = table_of(path, said.table, title=upload.name)
        needed = set(said.table.required)
        columns = [ColumnChoice(c, words, table.has(c), c in needed) for c, words in uses(said.table).items()]
        looked: dict[str, Any] = {
            "columns": columns,
            "any": said.table.name in any_maps(),
            "header": [name for name in table.header if name],
        }
    except RapportError as trouble:
        return {"trouble": trouble}
    try:
        return looked | {"found": _preview(path, upload, said, shop, wording, vocabulary)}
    except RapportError as trouble:
        return looked | {"trouble": trouble}


def _preview(
    path: Path, upload: Upload, said: WrittenMap, shop: Workspace, wording: Wording, vocabulary: Vocabulary
) -> Preview:
    files = MappedCsv(path, said=said, time_zone=shop.settings.time_zone, title=upload.name)
    return preview(files, workspace=shop, wording=wording, vocabulary=vocabulary, now=now_us())


def who_words(identifier: str) -> str:
    """Whom a fact is about, for people."""
    namespace, _, value = identifier.partition(":")
    before = {"email": "", "phone": "", "anonymous_id": "somebody unknown, ", "marketplace_buyer": "buyer "}
    return before.get(namespace, "customer ") + value


def _plain(cell: str) -> str:
    """The cell behind an apostrophe where a spreadsheet would take it for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell
