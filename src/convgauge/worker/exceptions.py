"""Description of exceptions, which may be hostile: nothing but the text is asked of their classes."""

from __future__ import annotations

import ast

from convgauge.worker.refusals import OwnCode, class_name, classes, entries, is_engine, raising_statement

MAX_MESSAGE = 2000  # characters of an exception's text


def class_names(error: BaseException) -> tuple[str, ...]:
    """Return the class names of an exception, the most derived first."""
    names = tuple(class_name(each) for each in classes(type(error)) if each not in (object, BaseException))
    return names or (BaseException.__name__,)


def text_of(error: BaseException) -> str:
    """Return the text of an exception, which its class may compute in any way."""
    try:
        return str.__getitem__(str(error), slice(MAX_MESSAGE))
    except BaseException:
        return "(its message cannot be read)"


def describe(error: BaseException, code: OwnCode) -> str:
    """Return the text of an exception with its place: the last line of the kernel's own code in its traceback.

    If there is none, it is the last line of other code than convgauge's. An ``assert`` without a text is described by
    its condition.
    """
    text = text_of(error)
    outside = [entry for entry in entries(error) if not is_engine(entry.tb_frame.f_code.co_filename)]
    last = next((entry for entry in reversed(outside) if code.has(entry.tb_frame)), outside[-1] if outside else None)
    if last is None:
        return text
    filename, line = last.tb_frame.f_code.co_filename, last.tb_lineno
    statement = raising_statement(filename, line) if not text else None
    if isinstance(statement, ast.Assert):
        text = f"assert {ast.unparse(statement.test)}"[:MAX_MESSAGE]
    return f"{text} ({filename.rpartition('/')[2]}:{line})"
