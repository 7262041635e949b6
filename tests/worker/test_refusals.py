"""Refusals: which exceptions state that a kernel does not support a problem, and which are accidents."""

from __future__ import annotations

import contextlib
import functools
import os
import sysconfig
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convgauge.problem import Problem
from convgauge.registry import Declaration, Implementation, Origin, load_file
from convgauge.worker import exceptions
from convgauge.worker.refusals import OwnCode, is_refusal, own_code
from support import refusing_kernels

HERE = str(Path(__file__).parent)
OWN = OwnCode([HERE])


def error_of(kernel: Callable[[], object]) -> BaseException:
    try:
        kernel()
    except BaseException as error:
        return error
    raise AssertionError("it raises nothing")


# --- refusals --------------------------------------------------------------------------------------------------------


def asserts() -> None:
    groups = 2
    assert groups == 1


def asserts_with_text() -> None:
    assert not HERE, f"{HERE} is there"


def raises() -> None:
    raise ValueError("groups")


def raises_not_implemented() -> None:
    raise NotImplementedError


def translates() -> None:
    try:
        sum(5)  # type: ignore[call-overload]  # the accident that is translated
    except TypeError as error:
        raise ValueError("padding must be a pair") from error


def from_finally() -> None:
    try:
        raise ValueError("first")
    finally:
        len(HERE)


def within_context() -> None:
    with np.errstate(all="ignore"), contextlib.ExitStack():
        raise ValueError("inside")


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    try:
        yield
    finally:
        len(HERE)


def within_own_context() -> None:
    with guarded():
        assert not HERE


def reraises_refusal() -> None:
    try:
        raises()
    except ValueError:
        raise


def generates() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise ValueError("a second row")

    list(rows())


def decorated() -> None:
    def decorate(function: Callable[[], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def wrapper() -> None:
            function()

        return wrapper

    decorate(raises)()


def in_thread() -> None:
    with ThreadPoolExecutor(1) as pool:
        pool.submit(raises).result()


def group() -> None:
    raise ExceptionGroup("two limits", [ValueError("groups"), ValueError("dilation")])


def generated_code() -> None:
    exec("raise ValueError('generated')", globals())


@pytest.mark.parametrize(
    "kernel",
    [asserts, asserts_with_text, raises, raises_not_implemented, translates, from_finally, within_context,
     within_own_context, reraises_refusal, generates, decorated, in_thread, group, generated_code],
    ids=lambda kernel: kernel.__name__,
)  # fmt: skip
def test_what_the_kernel_raises_itself_is_a_refusal(kernel: Callable[[], object]) -> None:
    assert is_refusal(error_of(kernel), OWN)


# --- accidents -------------------------------------------------------------------------------------------------------


def indexes() -> None:
    list(HERE)[len(HERE)]


def divides() -> None:
    1 // 0  # noqa: B018


def in_numpy() -> None:
    np.ones(3) @ np.ones(4)


def in_numpys_python() -> None:
    np.testing.assert_equal(1, 2)


def reraises_accident() -> None:
    try:
        indexes()
    except Exception:
        raise


def raises_accident_by_name() -> None:
    try:
        indexes()
    except Exception as error:
        raise error


def accident_in_finally() -> None:
    try:
        indexes()
    finally:
        len(HERE)


def accident_in_context() -> None:
    with guarded():
        indexes()


def warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.warn("old", stacklevel=1)


def stops() -> None:
    def rows() -> Iterator[int]:
        yield next(iter(()))

    list(rows())


def recurses() -> None:
    recurses()


def raises_recursion_error() -> None:
    raise RecursionError("too deep")


def raises_memory_error() -> None:
    raise MemoryError("too large")


def exits() -> None:
    raise SystemExit(3)


def interrupts() -> None:
    raise KeyboardInterrupt


def wrong_problem() -> None:
    Problem(batch=-1)


ACCIDENTS = [
    indexes, divides, in_numpy, in_numpys_python, reraises_accident, raises_accident_by_name, accident_in_finally,
    accident_in_context, warns, stops, recurses, raises_recursion_error, raises_memory_error, exits, interrupts,
    wrong_problem,
]  # fmt: skip


@pytest.mark.parametrize("kernel", ACCIDENTS, ids=lambda kernel: kernel.__name__)
def test_every_other_exception_is_an_error(kernel: Callable[[], object]) -> None:
    assert not is_refusal(error_of(kernel), OWN)


# --- types that the user lists ---------------------------------------------------------------------------------------


class LibraryError(ValueError):
    """Error of a library."""


@pytest.mark.parametrize(
    ("names", "refused"),
    [
        (["LibraryError"], True),
        ([f"{__name__}.LibraryError"], True),
        (["ValueError"], True),
        (["builtins.ValueError"], True),
        (["KeyError", "Exception"], True),
        (["Error", "elsewhere.LibraryError"], False),
    ],
)
def test_a_listed_class_and_those_derived_from_it_are_refusals(names: list[str], refused: bool) -> None:
    assert is_refusal(LibraryError(), OwnCode([]), names) is refused


def test_no_base_class_lists_an_exception_that_may_be_raised_anywhere() -> None:
    deep = error_of(recurses)
    assert not is_refusal(deep, OWN, ["RuntimeError", "Exception"])
    assert is_refusal(deep, OWN, ["RecursionError"])
    assert not is_refusal(MemoryError(), OWN, ["Exception"])
    assert not is_refusal(error_of(exits), OWN, ["SystemExit"])


# --- the code of a kernel --------------------------------------------------------------------------------------------


def kernel_of(function: object, origin: Origin | None = None) -> OwnCode:
    return own_code(Implementation(Declaration("kernel"), function), origin)  # type: ignore[arg-type]  # any callable


def test_the_code_of_a_file_is_its_folder_without_what_is_installed_there(tmp_path: Path) -> None:
    code = kernel_of(len, Origin("file", str(tmp_path / "kernel.py"), "conv", "conv"))
    for name in ("kernel.py", "parts/checks.py"):
        assert str(tmp_path / name) in code
    library = f"venv/lib/python{sysconfig.get_python_version()}/site-packages/library/code.py"
    for name in (library, "../beside.py"):
        assert str(tmp_path / name) not in code


def test_the_code_of_a_file_in_a_package_is_the_whole_package(tmp_path: Path) -> None:
    for folder in ("", "kernels"):
        (tmp_path / "package" / folder).mkdir(parents=True)
        (tmp_path / "package" / folder / "__init__.py").touch()
    code = kernel_of(len, Origin("file", str(tmp_path / "package/kernels/conv.py"), "conv", "conv"))
    assert str(tmp_path / "package/checks.py") in code
    assert str(tmp_path / "setup.py") not in code


def test_the_standard_library_numpy_and_convgauge_belong_to_no_file_above_them() -> None:
    code = kernel_of(len, Origin("file", os.path.abspath("/kernel.py"), "conv", "conv"))
    assert HERE + "/helper.py" in code
    for module in (contextlib, np, exceptions):
        assert str(module.__file__) not in code


def test_the_code_of_a_module_is_its_top_level_package_also_if_it_is_installed() -> None:
    code = kernel_of(np.einsum, Origin("module", "numpy.linalg", "einsum", "einsum"))
    assert str(Path(np.__file__).parent / "_core" / "numeric.py") in code
    assert contextlib.__file__ not in code


def test_the_module_of_a_wrapped_function_belongs_to_the_kernel() -> None:
    @functools.wraps(raises)
    def wrapper() -> None: ...

    for function in (raises, wrapper, functools.partial(raises)):
        assert __file__ in kernel_of(function)
    assert contextlib.__file__ not in kernel_of(contextlib.suppress)


# --- compiled and framework code -------------------------------------------------------------------------------------


def test_what_a_compiled_function_raises_is_read_from_its_source() -> None:
    pytest.importorskip("numba")
    compiled, code = refusing_kernels.compiled_by_numba(), OwnCode([refusing_kernels.__file__])

    def is_refused(*arguments: object) -> bool:
        return is_refusal(error_of(lambda: compiled(*arguments)), code)

    assert is_refused(np.ones(3), 2)
    assert is_refused(np.ones(3), 0)
    assert not is_refused(np.ones(3), 1), "an index out of bounds"
    assert not is_refused("text", 1), "an error of the compiler"


def test_what_the_kernel_raises_below_a_framework_is_a_refusal() -> None:
    torch = pytest.importorskip("torch")

    class Forward(torch.autograd.Function):  # type: ignore[misc, name-defined]  # torch is Any to mypy
        @staticmethod
        def forward(context: Any, x: Any) -> Any:
            assert x.numel() == 1, "one element"
            return x * 2

        @staticmethod
        def backward(context: Any, grad: Any) -> Any:
            raise ValueError("no gradient")

    assert is_refusal(error_of(lambda: Forward.apply(torch.ones(2))), OWN)
    assert is_refusal(error_of(lambda: Forward.apply(torch.ones(1, requires_grad=True)).sum().backward()), OWN)
    assert not is_refusal(error_of(lambda: torch.ones(2) @ torch.ones(3)), OWN)


def test_an_assertion_of_torch_is_one_of_the_code_that_calls_it() -> None:
    torch = pytest.importorskip("torch")
    for fail in (
        lambda: torch._check(False, lambda: "one group only"),
        lambda: torch._check_value(False, lambda: "one group only"),
        lambda: torch._assert(False, "one group only"),
    ):
        assert is_refusal(error_of(fail), OWN)
        assert not is_refusal(error_of(fail), OwnCode([]))


# --- hostile exceptions ----------------------------------------------------------------------------------------------


class Meta(type):
    """Metaclass whose classes answer nothing."""

    @property
    def __name__(cls) -> str:  # type: ignore[override]  # as a kernel may do
        raise SystemExit

    @property
    def __mro__(cls) -> Any:
        raise SystemExit

    def mro(cls) -> Any:
        """Return the usual bases: the class must be made."""
        return super().mro()

    def __instancecheck__(cls, other: object) -> bool:
        raise SystemExit


class HostileError(ValueError, metaclass=Meta):
    """Exception whose attributes cannot be read."""

    @property  # type: ignore[misc]  # as above
    def __class__(self) -> Any:
        raise SystemExit

    @property
    def __traceback__(self) -> Any:  # type: ignore[override]  # as above
        raise SystemExit

    @property
    def args(self) -> Any:  # type: ignore[override]  # as above
        raise SystemExit

    def __str__(self) -> str:
        raise SystemExit


class Text(str):
    """Text whose methods raise."""

    def __getitem__(self, index: Any) -> str:
        raise SystemExit

    __add__ = __contains__ = __format__ = __len__ = __getitem__  # type: ignore[assignment]  # as above


class TextError(RuntimeError):
    """Exception whose text is hostile."""

    def __str__(self) -> str:
        return Text("the text")


def raises_hostile() -> None:
    raise HostileError


def raises_hostile_text() -> None:
    raise TextError(Text("an argument"))


def test_a_hostile_exception_is_described() -> None:
    error = error_of(raises_hostile)
    assert is_refusal(error, OWN)
    assert not is_refusal(error, OwnCode([]))
    assert exceptions.class_names(error)[:2] == ("HostileError", "ValueError")
    assert exceptions.describe(error, OWN).startswith("(its message cannot be read) (test_refusals.py:")
    error = error_of(raises_hostile_text)
    assert is_refusal(error, OWN)
    description = exceptions.describe(error, OWN)
    assert (type(description), description.partition(" (")[0]) == (str, "the text")


def test_an_assertion_without_a_text_is_described_by_its_condition() -> None:
    code = OwnCode([refusing_kernels.__file__])
    description = exceptions.describe(error_of(lambda: refusing_kernels.asserts(2)), code)
    assert description.startswith("assert groups == 1 (refusing_kernels.py:")
    assert exceptions.describe(error_of(raises), OWN).startswith("groups (test_refusals.py:")


@pytest.mark.parametrize("imported", ["from other.kernel import conv", "import other.kernel", "import runpy"])
def test_the_code_that_an_adapter_imports_from_another_folder_is_its_own(imported: str, tmp_path: Path) -> None:
    (tmp_path / "kernels" / "other").mkdir(parents=True)
    kernel = tmp_path / "kernels" / "other" / "kernel.py"
    kernel.write_text("def conv():\n    assert False\n")
    last = f"conv = runpy.run_path({str(kernel)!r})['conv']" if "runpy" in imported else ""
    adapter = tmp_path / "adapter.py"
    path = f"import sys\nsys.path.append({str(kernel.parents[1])!r})\n"
    adapter.write_text(f"{path}{imported}\n{last}\nimport numpy, json\ndef conv2d():\n    return conv()\n")
    conv2d = load_file(adapter).conv2d
    code = own_code(Implementation(Declaration("kernel"), conv2d), Origin("file", str(adapter), "conv2d", "conv2d"))
    assert str(kernel) in code
    assert np.__file__ not in code
    assert os.__file__ not in code
