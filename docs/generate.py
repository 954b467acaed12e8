"""Writes the reference pages that follow from the code (`make docs`). A test compares them with what is committed."""

from __future__ import annotations

import ast
import inspect
import json
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

REFERENCE = Path(__file__).parent / "reference"
NOTE = "<!-- Written by `make docs` from the code; do not edit. -->"


def settings_page() -> str:
    """Every setting with its variable, default and meaning."""
    from rapport.app.settings import Settings

    said = _attribute_docs(Settings)
    rows = []
    for field in msgspec.structs.fields(Settings):
        if field.name == "data_dir":
            default = "`./data`"
        else:
            default = "by machine" if field.default is msgspec.NODEFAULT else f"`{json.dumps(field.default)}`"
        rows.append(f"| `RAPPORT_{field.name.upper()}` | {default} | {said[field.name]} |")
    return _page(
        "Settings",
        "Read from the environment when a process starts; options of the command line win.",
        "| variable | default | meaning |\n|---|---|---|\n" + "\n".join(rows),
    )


def roles_page() -> str:
    """Who may do what."""
    from rapport.app.wiring import installed
    from rapport.web.permissions import ROLE_NAMES

    permissions = installed().permissions

    head = "| permission | may | " + " | ".join(ROLE_NAMES) + " | API key |\n" + "|---" * (len(ROLE_NAMES) + 3) + "|"
    rows = [
        f"| `{name}` | {permission.words} | "
        + " | ".join("yes" if name in permissions.of_role(role) else "" for role in ROLE_NAMES)
        + f" | {'yes' if permission.for_keys else ''} |"
        for name, permission in permissions.by_name.items()
    ]
    return _page(
        "Roles and permissions",
        "A person has one role in a workspace. An API key has the permissions it was given when it was made, of those\n"
        "marked.",
        "\n".join([head, *rows]),
    )


def facts_page() -> str:
    """What is written of facts by hand, with every kind that a slice declares."""
    from rapport.app.wiring import installed

    text = (REFERENCE / "facts.md").read_text()
    begins = text.index("\n", text.index("<!-- The tables from here on")) + 1
    ends = text.index("<!-- Here the tables end. -->")
    tables = [_kinds(one.title, one.facts) for one in installed().slices if one.facts]
    return text[:begins] + "\n" + "\n\n".join(tables) + "\n\n" + text[ends:]


def _kinds(title: str, kinds: Sequence[Any]) -> str:
    rows = [
        f"| `{kind.name}` | {kind.meaning} | {'Rapport' if kind.stated_by == 'rapport' else 'clients'} | "
        + ", ".join(f"`{name}` ({word})" for name, word in kind.properties.items())
        + " |"
        for kind in kinds
    ]
    head = "| name | what has happened | stated by | properties that matter |\n|---|---|---|---|"
    return "\n".join([f"#### {title}\n", head, *rows])


def traits_page() -> str:
    """Every trait of the registry: what it shows, from which facts, by which kind of value."""
    from rapport.app.wiring import installed

    remembered = installed().remembered
    number = len(remembered.traits)
    rows = [
        f"| `{trait.name}` | {trait.type} | {trait.rule} | {_heard(part)} | {_kind(part)} |"
        for trait in sorted(remembered.traits.values(), key=lambda trait: trait.name)
        for part in [remembered.parts.get(trait.part)]
    ]
    return _page(
        "Traits",
        f"The {number} traits of a Golden Record. Each is shown with its value, the fact that determined it,\n"
        "that fact's source and time, and its rule. Amounts are integer minor units by currency; times are ISO 8601\n"
        "in UTC.",
        "| trait | type | rule | from | kind |\n|---|---|---|---|---|\n" + "\n".join(rows),
    )


def _kind(part: Any) -> str:
    return "asked of a slice" if part is None else type(part.kind).__name__


def _heard(part: Any) -> str:
    if part is None:
        return "nothing by itself"
    if part.on:
        return ", ".join(f"`{name}`" for name in part.on)
    if part.with_context:
        return "facts with " + ", ".join(f"`{name}`" for name in part.with_context)
    return "every fact" + (" but " + ", ".join(f"`{name}`" for name in part.but_not) if part.but_not else "")


def cli_page() -> str:
    """The help of every command."""
    from rapport.app.cli import main

    sections = [f"## `{path}`\n\n```text\n{text}\n```" for path, text in _commands(main, "rapport")]
    return _page("Command line", "What `--help` says of every command.", "\n\n".join(sections))


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=path, max_content_width=100, terminal_width=100)
    yield path, command.get_help(context).rstrip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from _commands(child, f"{path} {name}")


def http_page() -> str:
    """Every operation of the API document, then the objects they take and answer."""
    document = api_document()
    operations = [
        f"### `{method.upper()} {path}`\n\n{_operation(entry)}"
        for path, item in sorted(document["paths"].items())
        for method, entry in item.items()
        if method in ("get", "post", "put", "patch", "delete")
    ]
    classes = _structs()
    objects = [
        f"### {name}\n\n{_object(schema, _meant(classes.get(name, []), schema))}"
        for name, schema in sorted(document["components"]["schemas"].items())
        if schema.get("type") == "object"
    ]
    return _page(
        "HTTP",
        "The collecting endpoints stand in [Connect a Segment SDK](../how-to/connect-a-segment-sdk.md) and\n"
        "[Facts](facts.md). This is the API for programs of the shop, as `GET /api/openapi.json` describes it. Keys\n"
        "go into `Authorization: Bearer …`, and have the [permissions](roles.md) they were given. Errors are RFC 9457\n"
        "[problems](#problem). A query parameter that an operation does not take is refused.\n\n"
        "Where an answer has an `ETag`, send it back as `If-Match` with the change: if somebody was quicker, nothing\n"
        "is changed and the 409 says what is not as you want it. Without `If-Match` the change is made in any case.",
        "## Operations\n\n" + "\n\n".join(operations) + "\n\n## Objects\n\n" + "\n\n".join(objects),
    )


def api_document() -> dict[str, Any]:
    """The OpenAPI document as a server with an empty data folder answers it."""
    import asyncio

    import httpx

    from rapport.app.asgi import create_server
    from rapport.app.bootstrap import open_database
    from rapport.app.server import Server
    from rapport.app.settings import Settings

    async def ask(app: Any) -> dict[str, Any]:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://rapport.test") as client:
            document: dict[str, Any] = (await client.get("/api/openapi.json")).raise_for_status().json()
            return document

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        server = Server(settings, open_database(settings))
        try:
            return asyncio.run(ask(create_server(settings, server)))
        finally:
            server.close()


def _operation(entry: dict[str, Any]) -> str:
    lines = [entry.get("description") or entry.get("summary", "")]
    parameters = [
        f"| `{p['name']}` | {p['in']} | {_type(p.get('schema', {}))} | {_one_line(p.get('description', ''))} |"
        for p in entry.get("parameters", [])
    ]
    if parameters:
        lines.append("| parameter | in | type | meaning |\n|---|---|---|---|\n" + "\n".join(parameters))
    body = _content(entry.get("requestBody", {}))
    takes = f"Takes {_type(body)}. " if body else ""
    for status, answer in entry.get("responses", {}).items():
        if status.startswith(("2", "3")):
            schema = _content(answer)
            lines.append(f"{takes}Answers {status}" + (f": {_type(schema)}." if schema else "."))
    return "\n\n".join(line for line in lines if line)


def _content(holder: dict[str, Any]) -> dict[str, Any]:
    for media_type, content in holder.get("content", {}).items():
        if media_type == "application/json":
            return dict(content.get("schema", {}))
    return {}


def _object(schema: dict[str, Any], owner: type | None) -> str:
    said = _attribute_docs(owner) if owner else {}
    needed = set(schema.get("required", []))
    rows = [
        f"| `{name}` | {_type(field)} | {'yes' if name in needed else ''} "
        f"| {_one_line(field.get('description', '')) or said.get(name, '')} |"
        for name, field in schema.get("properties", {}).items()
    ]
    head = schema.get("description") or (inspect.getdoc(owner) if owner else "") or ""
    return f"{head}\n\n| field | type | always | meaning |\n|---|---|---|---|\n".lstrip() + "\n".join(rows)


def files_page() -> str:
    """Every module in its own first sentence, room by room in the order of the data."""
    package = REFERENCE.parent.parent / "src/rapport"
    sections = []
    for room in ROOMS:
        rows = [
            f"| `{path.relative_to(package / room)}` | {_first_sentence(path)} |"
            for path in sorted((package / room).rglob("*.py"), key=lambda path: (len(path.parts), path))
            if "versions" not in path.parts and path.read_text()
        ]
        sections.append(f"## {room}\n\n| file | what it is |\n|---|---|\n" + "\n".join(rows))
    return _page(
        "Every file",
        "In its own words. What you want to do leads faster from [the map](map.md).",
        "\n\n".join(sections),
    )


def _first_sentence(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text())) or ""
    return _one_line(re.split(r"(?<=[.!?])\s+(?=[A-Z`])|\n\n", text, maxsplit=1)[0])


def _meant(named: list[type], schema: dict[str, Any]) -> type | None:
    """Of the structs of one name the one with these fields."""
    fields = set(schema.get("properties", {}))
    return next((one for one in named if {field.encode_name for field in msgspec.structs.fields(one)} == fields), None)


def _structs() -> dict[str, list[type]]:
    """Our structs by name, as the API document knows them."""
    found: dict[str, list[type]] = {}
    waiting = [msgspec.Struct]
    while waiting:
        for child in waiting.pop().__subclasses__():
            waiting.append(child)
            if child.__module__.startswith("rapport."):
                found.setdefault(child.__name__, []).append(child)
    return found


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = str(schema["$ref"].rsplit("/", 1)[1])
        return f"[{name}](#{name.lower()})"
    for key in ("oneOf", "anyOf"):
        if key in schema:
            return " or ".join(dict.fromkeys(_type(option) for option in schema[key]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if "enum" in schema:
        return " or ".join("null" if value is None else f"`{value}`" for value in schema["enum"])
    kind = schema.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else str(kind)


def _attribute_docs(owner: type) -> dict[str, str]:
    """The texts below the fields of a class."""
    (body,) = ast.parse(inspect.getsource(owner)).body
    assert isinstance(body, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(body.body, body.body[1:], strict=False):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            found[field.target.id] = _one_line(str(text.value.value))
    return found


def _one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def _page(title: str, introduction: str, body: str) -> str:
    return f"# {title}\n\n{NOTE}\n\n{introduction}\n\n{body}\n"


ROOMS = (
    "kernel", "storage", "web", "collect", "resolve", "remember", "decide", "act", "measure", "capabilities",
    "adapters", "world", "app",
)  # fmt: skip

PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings_page,
    "roles.md": roles_page,
    "facts.md": facts_page,
    "traits.md": traits_page,
    "cli.md": cli_page,
    "http.md": http_page,
    "files.md": files_page,
}


def main(names: Sequence[str] = tuple(PAGES)) -> None:
    """Write the pages."""
    for name in names:
        (REFERENCE / name).write_text(PAGES[name]())


if __name__ == "__main__":
    main()
