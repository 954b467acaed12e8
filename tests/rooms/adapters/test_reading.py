from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from rapport.adapters.files.lines import Row
from rapport.adapters.files.model import silent
from rapport.adapters.files.reading import Table, fingerprint, row_text
from rapport.kernel.errors import InvalidInput


def _rows(
    path: Path, *, encoding: str = "utf-8-sig", delimiter: str = ",", quote: str | None = '"', multiline: bool = False
) -> list[Row]:
    table = Table(path, encoding=encoding, delimiter=delimiter, quote=quote, multiline=multiline)
    return list(table.rows(progress=silent))


def _file(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return path


def test_rows_know_the_line_they_start_on(tmp_path: Path) -> None:
    path = _file(tmp_path, b'a,b\r\n1,"two\r\nlines"\r\n\r\n3,4\r\n')

    assert [(row.line, row.cells) for row in _rows(path)] == [(2, ["1", "two\r\nlines"]), (5, ["3", "4"])]


def test_a_gzipped_table_reads_as_the_plain_one(tmp_path: Path) -> None:
    plain = _file(tmp_path, "a,b\nÖl,2\n".encode())
    zipped = tmp_path / "table.csv.gz"
    zipped.write_bytes(gzip.compress(plain.read_bytes()))

    assert _rows(zipped) == _rows(plain) == [Row(2, ["Öl", "2"], "")]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert Table(_file(tmp_path, b"\xef\xbb\xbfa,b\n")).header == ["a", "b"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("named", ["utf-8", "utf-8-sig", "cp1252", "utf-16-le"])
def test_a_byte_order_mark_tells_the_encoding_whatever_is_named(tmp_path: Path, encoding: str, named: str) -> None:
    table = Table(_file(tmp_path, "a,b\nÖl,2\n".encode(encoding)), encoding=named)

    assert (table.header, list(table.rows(progress=silent))) == (["a", "b"], [Row(2, ["Öl", "2"], "")])


SWALLOWED = 'id\tname\tprice\n1\tTea\t5\n2\t"Big knife\t6\n3\tCup\t7\n4\t19" Rack\t8\n'


def test_a_file_by_tabs_that_quotes_nothing_is_seen_to(tmp_path: Path) -> None:
    for quote in (None, ""):
        rows = _rows(_file(tmp_path, SWALLOWED.encode()), delimiter="\t", quote=quote)
        assert [row.cells[1] for row in rows] == ["Tea", '"Big knife', "Cup", '19" Rack']
    (quoted,) = _rows(_file(tmp_path, b'a\tb\n"1 ""x"""\t2\n'), delimiter="\t", quote=None)
    assert quoted.cells == ['1 "x"', "2"]


@pytest.mark.parametrize(
    ("table", "good", "faulty"),
    [
        (SWALLOWED.replace("\t", ","), [2], [3, 4, 5]),
        ('a,b,c\n1,"x,2\n3,y",4\n5,6,7\n', [4], [2, 3]),
        ('a,b,c\n1,2,"x\n3,4,y"\n5,6,7\n', [4], [2, 3]),
        ('a,b,c\n1,2,3\n4,5,"open\n', [2], [3]),
        ('a,b,c\n1,2,3\n4,5,"open\n6,7,8', [2], [3, 4]),
        ('a,b,c\n1,"Hello, Ada\nyes, well, done","3"\n', [2], []),
        ('a,b\n1,"Hello\nthere, friend"\n', [2], []),
    ],
)
def test_lines_that_a_quote_swallowed_are_listed_each(
    tmp_path: Path, table: str, good: list[int], faulty: list[int]
) -> None:
    """Prose of several lines is a cell; what looks like rows is one only where the map says so."""
    rows = _rows(_file(tmp_path, table.encode()))

    assert [row.line for row in rows if not row.fault] == good
    assert [row.line for row in rows if row.fault] == faulty
    assert all('quote = ""' in row.fault for row in rows if row.fault)


def test_cells_of_several_lines_may_be_said_to_be_right(tmp_path: Path) -> None:
    (row,) = _rows(_file(tmp_path, b'a,b,c\n1,2,"x\n3,4,y"\n'), multiline=True)

    assert row.cells == ["1", "2", "x\n3,4,y"]


def test_a_name_that_two_columns_have_means_neither(tmp_path: Path) -> None:
    table = Table(_file(tmp_path, b" a ,b,b,\n1,2,3,4\n"))

    assert table.index("a") == 0
    with pytest.raises(InvalidInput, match="has 2 columns 'b'"):
        table.index("b")


def test_text_in_utf_16_without_a_mark_is_no_table_of_utf_8(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        Table(_file(tmp_path, "a,b\n1,2\n".encode("utf-16-le")))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"1\n", "1 cells where the header has 2"),
        (b"1,2,3\n", "3 cells where the header has 2"),
        (b"1,\xff\n", "not in the file's encoding"),
        (b'1,"' + b"x" * 1_000_001 + b'"\n', "unreadable"),
    ],
)
def test_a_damaged_row_has_a_fault_and_its_neighbours_none(tmp_path: Path, line: bytes, fault: str) -> None:
    before, damaged, after = _rows(_file(tmp_path, b"a,b\n1,2\n" + line + b"3,4\n"))

    assert (before.fault, after.fault) == ("", "")
    assert fault in damaged.fault
    assert damaged.line == 3
    assert row_text(damaged.cells).startswith("[")


def test_another_encoding_and_delimiter_can_be_named(tmp_path: Path) -> None:
    path = _file(tmp_path, "a;b\nÖl;2,5\n".encode("latin-1"))

    assert _rows(path, encoding="latin-1", delimiter=";") == [Row(2, ["Öl", "2,5"], "")]


def test_an_unknown_encoding_is_an_error_of_the_caller(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no encoding 'klingon'"):
        Table(_file(tmp_path, b"a,b\n"), encoding="klingon")


def test_a_gzip_file_cut_short_is_named_as_the_trouble(tmp_path: Path) -> None:
    path = _file(tmp_path, gzip.compress(b"a,b\n" + b"".join(b"%d,%d\n" % (n, n * 7919) for n in range(50_000)))[:-500])

    with pytest.raises(InvalidInput, match="damaged gzip"):
        _rows(path)


@pytest.mark.parametrize(("content", "trouble"), [(b"", "is empty"), (b"\n", "is empty")])
def test_a_file_without_header_is_no_table(tmp_path: Path, content: bytes, trouble: str) -> None:
    with pytest.raises(InvalidInput, match=trouble):
        Table(_file(tmp_path, content))


def test_a_folder_or_a_pipe_is_no_file(tmp_path: Path) -> None:
    """A pipe could be read only once, and an import that goes on must read it again."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path in (tmp_path, pipe):
        with pytest.raises(InvalidInput, match="no regular file"):
            Table(path)
    with pytest.raises(InvalidInput, match="No such file"):
        Table(tmp_path / "none")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no column 'c'") as caught:
        Table(_file(tmp_path, b"a,b\n")).index("c")

    assert "a, b" in caught.value.hint


def test_progress_is_told_in_bytes_of_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, b"a,b\n" + b"1,2\n" * 10_000)
    told: list[tuple[str, int, int]] = []

    list(Table(path).rows(progress=lambda what, done, total: told.append((what, done, total))))

    size = path.stat().st_size
    assert told[-1] == ("reading table.csv", size, size)
    assert [done for _, done, _ in told] == sorted(done for _, done, _ in told)


def test_the_fingerprint_follows_the_content_and_the_map_and_not_the_name(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_bytes(b"x")
    same.write_bytes(b"x")
    other.write_bytes(b"y")

    marks = [fingerprint([path], variant=b"", progress=silent) for path in (one, same, other)]

    assert marks[0] == marks[1] != marks[2]
    assert fingerprint([one], variant=b"map", progress=silent) != marks[0]
    with pytest.raises(InvalidInput, match="cannot read"):
        fingerprint([tmp_path / "none"], variant=b"", progress=silent)
