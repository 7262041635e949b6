"""Options that are generated from the fields of a request, and options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import Field
from typing import Any, Literal, TypeAlias, get_args, get_origin, get_type_hints

import click

from convgauge.cli.errors import InputError
from convgauge.request import Option, Request, RequestError, option_fields, split_list

Function: TypeAlias = Callable[..., int]
Decorator: TypeAlias = Callable[[Function], Function]

TARGETS = "targets"


class CommaSeparated(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """Values of one type, separated by commas."""

    name = "list"

    def __init__(self, item: type) -> None:
        self.item = item

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> tuple[object, ...]:
        """Return the values as a tuple."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(self.item(part) for part in split_list(str(value)))
        except ValueError:
            self.fail(f"{value!r} is not a list of numbers that are separated by commas", param, ctx)


def request_options(kind: type[Request], *names: str) -> Decorator:
    """Return a decorator that gives a command the options of a request, and calls its function with the request.

    The options are generated from the fields of ``kind``: all of them, or those in ``names``.
    """
    fields = {name: each for name, each in option_fields(kind, "command line").items() if name in (names or (name,))}

    def decorate(function: Function) -> Function:
        @functools.wraps(function)
        def with_request(**values: Any) -> int:  # noqa: ANN401  # click's values
            given = {name: values.pop(name) for name in [*fields, TARGETS] if name in values}
            return function(_request(kind, given), **values)

        command: Function = with_request
        hints = get_type_hints(kind)
        for each in reversed(fields.values()):
            command = _option(each, hints[each.name])(command)
        return command

    return decorate


def flag_of(each: Field[Any]) -> str:
    """Return the flag of a field's option."""
    option: Option = each.metadata["option"]
    return option.flag or f"--{each.name.replace('_', '-')}"


def _option(each: Field[Any], hint: Any) -> Decorator:  # noqa: ANN401  # a type as `typing` describes it
    """Return the decorator that adds a field's option. Without the option, the field's default applies."""
    option: Option = each.metadata["option"]
    flag = flag_of(each)
    if hint is bool:
        return click.option(flag, each.name, is_flag=True, help=option.help)
    return click.option(
        flag,
        each.name,
        type=_type(option, hint),
        metavar=option.metavar or flag.lstrip("-").upper(),
        help=option.help + _default_text(each.default),
        default=None,
    )


def _default_text(default: object) -> str:
    if default in ("", (), None, 0):
        return ""  # the help describes it
    text = ",".join(map(str, default)) if isinstance(default, tuple) else default
    return f"; default: {text:g}" if isinstance(text, float) else f"; default: {text}"


def _type(option: Option, hint: Any) -> Any:  # noqa: ANN401  # types of click and `typing`
    """Return click's type for the type of a field."""
    if option.is_file or option.metavar == "PATH":
        return click.Path()
    if get_origin(hint) is Literal:
        return click.Choice(get_args(hint))
    if get_origin(hint) is tuple:
        return CommaSeparated(get_args(hint)[0])
    types: list[type] = [argument for argument in get_args(hint) if argument is not type(None)]
    return types[0] if types else hint


def _request(kind: type[Request], given: dict[str, Any]) -> Request:
    """Return the request of the given values. Raises `click.BadParameter`."""
    defaults = {each.name: each.default for each in option_fields(kind, "command line").values()}
    values: dict[str, Any] = {
        name: not defaults[name] if value is True else value  # a flag reverses its default
        for name, value in given.items()
        if value is not None and value is not False
    }
    try:
        return kind(**values)
    except RequestError as error:
        ctx = click.get_current_context()
        parameter = next((each for each in ctx.command.params if each.name == error.field), None)
        raise click.BadParameter(str(error), ctx, parameter) from None


def _require_targets(ctx: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """Return the targets: those that are typed, or those of the project. Raises `InputError` if there are none."""
    targets = value or tuple(ctx.lookup_default(TARGETS) or ())  # older versions of click ignore an argument's default
    if not targets and not ctx.resilient_parsing:
        raise InputError(
            f"{ctx.info_name} needs a target: name a registered implementation, path/file.py:function or"
            " module:function, or set targets under [tool.convgauge] in pyproject.toml; `convgauge list` prints what"
            " is registered"
        )
    return targets


targets_argument = click.argument(
    TARGETS, nargs=-1, metavar="TARGET...", callback=_require_targets, type=click.Path()
)  # a path, so that shells complete files
json_option = click.option("--json", "as_json", is_flag=True, help="print one JSON object, and nothing else, to stdout")


def cluster_option(help: str) -> Decorator:
    """Return the decorator that adds --cluster."""
    return click.option("--cluster", default="", metavar="ADDRESS", help=f"{help}, e.g. tcp://10.0.0.1:8786")
