"""
Options that every command has, and how a command gets them.

`@command(app, "name")` adds them to the function's own parameters and hands them over
as one `Session`, so that they are described, parsed and defaulted in one place. `Options`
do the same for what several commands share.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias

import typer

from lago_cli.cli.help_pages import HelpfulCommand
from lago_cli.cli.session import Ended, Session
from lago_cli.errors import wrong_usage
from lago_cli.renderers import CHART_OUTPUTS, OUTPUTS, PAGE_OUTPUTS

EVERYWHERE = "Common"
_SPELLINGS = (
    ("--customer", "--external-customer-id"),
    ("--subscription", "--external-subscription-id"),
    ("--metric", "--code"),
    ("--plan-code", "--plan"),
)
"""What goes by several names, in every command."""

Output = Literal["table", "json", "ndjson", "yaml", "csv", "xlsx", "markdown"]
OutputOrPage = Literal["table", "json", "ndjson", "yaml", "csv", "xlsx", "markdown", "html"]
OutputOrChart = Literal["table", "json", "ndjson", "yaml", "csv", "xlsx", "markdown", "svg"]
assert Output.__args__ == OUTPUTS  # type: ignore[attr-defined]  # the registry is the truth
assert {*OutputOrPage.__args__} == {*OUTPUTS, *PAGE_OUTPUTS}  # type: ignore[attr-defined]
assert {*OutputOrChart.__args__} == {*OUTPUTS, *CHART_OUTPUTS}  # type: ignore[attr-defined]


def not_empty(given: Any) -> Any:
    """Refuse an empty value, or one among several: it is a variable that was not set."""
    if given == "" or (isinstance(given, list) and "" in given):
        raise typer.BadParameter("it is empty.")
    return given


def _file_name(given: str) -> str:
    """Refuse what is no name of a file: SQLite keeps nothing of a database in memory."""
    if given == ":memory:":
        raise typer.BadParameter("a database in memory would keep nothing; name a file.")
    return str(not_empty(given))


def _finite(seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):
        raise typer.BadParameter(f"{seconds} is no number of seconds.")
    return seconds


def spelled(name: str) -> tuple[str, ...]:
    """All names of an option, the given one first."""
    names = next((names for names in _SPELLINGS if name in names), ())
    return (name, *(other for other in names if other != name))


def option(
    kind: Any, name: str, metavar: str | None, help_text: str | None, also: str = "", **more: Any
) -> Any:
    """The type of an option that may be absent; it has the names of the option `also`, too."""
    names = dict.fromkeys([*spelled(name), *(spelled(also) if also else ())])
    return Annotated[kind | None, typer.Option(*names, metavar=metavar, help=help_text, **more)]


def parameter(name: str, annotation: Any, default: Any = None) -> inspect.Parameter:
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation
    )


Customers: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        *spelled("--customer"),
        metavar="ID",
        callback=not_empty,
        help="Only this customer; may be repeated.",
    ),
]
Subscriptions: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        *spelled("--subscription"),
        metavar="ID",
        callback=not_empty,
        help="Only this subscription; may be repeated.",
    ),
]
Metrics: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        *spelled("--metric"),
        metavar="CODE",
        callback=not_empty,
        help="Only this metric; may be repeated.",
    ),
]
From: TypeAlias = Annotated[
    str | None, typer.Option("--from", metavar="INSTANT", help="Start of the period (inclusive).")
]
To: TypeAlias = Annotated[
    str | None, typer.Option("--to", metavar="INSTANT", help="End of the period (exclusive).")
]


def _everywhere(default: Any, kind: Any, *names: str, **more: Any) -> inspect.Parameter:
    annotation = Annotated[kind, typer.Option(*names, rich_help_panel=EVERYWHERE, **more)]
    return parameter(names[0].strip("-").replace("-", "_"), annotation, default)


def _output(choices: Any) -> inspect.Parameter:
    *others, last = choices.__args__
    return _everywhere(
        "table",
        choices,
        "--output",
        "-o",
        metavar="FORMAT",
        envvar="LAGO_OUTPUT",
        help=f"How the answer is written: {', '.join(others)} or {last}.",
    )


_SHARED = (
    _everywhere(
        "./lago.db",
        str,
        "--db",
        metavar="PATH",
        envvar="LAGO_DB",
        callback=_file_name,
        help="The SQLite file.",
    ),
    _output(Output),
    _everywhere(
        30.0,
        float,
        "--busy-timeout",
        metavar="SECONDS",
        envvar="LAGO_BUSY_TIMEOUT",
        min=0,
        max=86_400,
        callback=_finite,
        help="How long to wait for another process's lock.",
    ),
    _everywhere(
        None,
        str | None,
        "--now",
        metavar="INSTANT",
        envvar="LAGO_NOW",
        help="Take this instant for the present (a test clock).",
    ),
    _everywhere(False, bool, "--quiet", "-q", help="Nothing but answers to questions, and errors."),
    _everywhere(False, bool, "--no-color", help="No colours."),
    _everywhere(False, bool, "--raw", help="Tables with plain digits and whole instants."),
    _everywhere(False, bool, "--excel", help="CSV for Excel: no text becomes a formula."),
    _everywhere(False, bool, "--no-pager", help="Never show an answer in $PAGER."),
)
SHARED_NAMES = frozenset(
    name
    for row in _SHARED
    for told in row.annotation.__metadata__
    for name in (told.default, *told.param_decls)  # typer has the first one there
)


_WATCH = _everywhere(
    None,
    float | None,
    "--watch",
    metavar="SECONDS",
    min=0.1,
    max=86_400,
    callback=_finite,
    help="Answer again every so many seconds, until Ctrl-C.",
)
_CONTEXT = parameter("context", typer.Context, inspect.Parameter.empty)


def _is_given(context: typer.Context, name: str) -> bool:
    """Whether an option stands on the command line, and is no default or variable."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _is_meant(context: typer.Context) -> bool:
    """
    Whether a group stands for itself, and not for one of its commands.

    Raises:
        LagoError: wrong usage, where options of the group stand before the command.
    """
    if context.invoked_subcommand is None:
        return True
    for parameter in context.command.params:
        if _is_given(context, parameter.name or ""):
            raise wrong_usage(
                "usage",
                f"{parameter.opts[0]} stands before the command it belongs to.",
                f"Write: {context.command_path} {context.invoked_subcommand} {parameter.opts[0]} …",
            )
    return False


class Options(NamedTuple):
    """Options that reach a command as one value, its second argument."""

    parameters: Sequence[inspect.Parameter]
    build: Callable[..., Any]  # the value, out of those of all parameters


def parameters_of(function: Callable[..., Any], skip: int = 0) -> list[inspect.Parameter]:
    """The parameters of a function, for typer: by name, their annotations evaluated."""
    return [
        row.replace(
            kind=inspect.Parameter.KEYWORD_ONLY,
            annotation=eval(row.annotation, function.__globals__),  # noqa: S307 - our own source
        )
        for row in list(inspect.signature(function).parameters.values())[skip:]
    ]


def command(
    app: typer.Typer,
    name: str,
    given: Options | None = None,
    help_text: str | None = None,
    *,
    is_default: bool = False,
    outputs: Any = Output,
    may_watch: bool = False,
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """
    Register a function whose first parameter is the `Session` as a command of `app`.

    The default one of a group stands for the group itself: `usage`, beside `usage explain`.
    One whose answers are pages to be sent has the `outputs` of `OutputOrPage`, one that can
    draw them those of `OutputOrChart`; one that `may_watch` answers again and again.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        def run(**values: Any) -> None:
            context = values.pop("context")
            if is_default and not _is_meant(context):
                return
            shared = {row.name: values.pop(row.name) for row in _SHARED}
            shared["output_chosen"] = _is_given(context, "output")
            shared["now"] = instant_option("--now", shared["now"])
            seconds = values.pop("watch", None)
            if shared["excel"] or shared["output"] in ("xlsx", "svg"):
                from lago_cli.cli.outputs import check_file

                watched = seconds is not None
                check_file(shared["output"], excel=shared["excel"], watched=watched)
            built: list[Any] = []

            def answer() -> None:
                with Session(**shared) as session:
                    if given is not None and not built:
                        own = {row.name: values.pop(row.name) for row in given.parameters}
                        built.append(given.build(**own))
                    function(session, *built, **values)

            try:
                if seconds is None:
                    answer()
                else:
                    from lago_cli.cli.watch import watch

                    shared["no_pager"] = True
                    watch(answer, seconds)
            except (KeyboardInterrupt, BrokenPipeError) as reason:
                raise Ended(reason) from None

        parameters = [
            _CONTEXT,
            *(given.parameters if given else ()),
            *parameters_of(function, skip=2 if given else 1),
            *([_WATCH] if may_watch else []),
            *(_output(outputs) if row.name == "output" else row for row in _SHARED),
        ]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {row.name: row.annotation for row in parameters}
        run.__doc__ = help_text or function.__doc__
        run.__name__ = function.__name__
        if is_default:
            app.callback(invoke_without_command=True)(run)
        else:
            app.command(name, cls=HelpfulCommand)(run)
        return function

    return register


def instant_option(option: str, text: str | None) -> int | None:
    """
    Microseconds since 1970 of an option's value, read in UTC where it has no offset.

    Raises:
        LagoError: wrong usage, where it is no instant.
    """
    from lago_cli.domain.instants import parse_moment

    try:
        return None if text is None else parse_moment(text)
    except ValueError as error:
        raise wrong_usage(
            "invalid_instant", f"{option}: {error}.", "For example: 2026-11-22T00:00:00Z"
        ) from None
