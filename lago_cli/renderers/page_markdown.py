"""Statements in Markdown, to be sent; text of users shows as itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.escapes import in_markdown, writer_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from lago_cli.renderers.report import Terminal
    from lago_cli.renderers.statement import Item, Pages, Statement


def render(pages: Pages, stream: TextIO, _: Terminal) -> None:
    write = writer_for(stream)
    if not pages.statements:
        write(pages.empty + "\n")
    for number, statement in enumerate(pages.statements):
        if number:
            write("\n---\n\n")
        for line in _lines(statement):
            write(line + "\n")


def _lines(statement: Statement) -> Iterator[str]:
    yield f"# {statement.title}"
    yield ""
    for key, value in statement.facts:
        yield f"- **{key}:** {in_markdown(value)}"
    yield ""
    yield "## Items"
    yield ""
    yield "| Item | Units | Unit price | Amount |"
    yield "| --- | ---: | ---: | ---: |"
    for item in statement.items:
        yield _row(_text(item), item.units, item.price, item.amount)
    for each in statement.sums:
        text, amount = in_markdown(each.text), each.amount
        if each.is_total:
            text, amount = f"**{text}**", f"**{amount}**"
        yield _row(text, "", "", amount)
    for sentence in statement.footer:
        yield ""
        yield in_markdown(sentence)


def _text(item: Item) -> str:
    return "<br>".join(map(in_markdown, (item.text, *item.notes)))


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
