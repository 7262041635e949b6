"""Calls with other counts of threads, and with operands at other addresses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from convgauge.registry import Declaration, Implementation
from convgauge.worker import thread_pools
from convgauge.worker.call import Call
from convgauge.worker.frameworks import framework
from convgauge.worker.subject import Subject
from convgauge.worker.thread_pools import FixedThreadsError, Pool, pools, threads_of

X = np.arange(24, dtype=np.float32).reshape(1, 2, 3, 4)
W = np.ones((2, 2, 1, 1), np.float32)


def observe(kernel: Any, name: str, mode: str, wanted: str) -> Any:
    subject = Subject(Implementation(Declaration("kernel", name), kernel))
    return subject.observe(Call(X.copy(), W.copy(), None, {}, mode=mode, wanted=wanted))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_a_copy_begins_where_it_is_asked_to(name: str, dtype: str) -> None:
    pytest.importorskip(name)
    adapter = framework(name)
    values = X.astype(dtype)
    array, _ = adapter.make(values, dtype, "cpu", "transposed")
    for elements in (0, 1, 3, 7):
        copy = adapter.copy_at(array, elements)
        address = copy.data_ptr() if name == "torch" else copy.ctypes.data
        assert address % 64 == elements * values.itemsize
        np.testing.assert_array_equal(adapter.read(copy)[0], values)


def test_a_call_is_made_at_each_address() -> None:
    def address(input: Any, weight: Any, bias: Any = None) -> Any:
        return np.full((1, 2, 3, 4), input.ctypes.data % 64, np.float32)

    observation = observe(address, "numpy", "addresses", "0,1,5")
    assert [float(output.flat[0]) for output in observation.extra_outputs] == [0, 4, 20]


def test_a_framework_that_chooses_addresses_is_not_supported() -> None:
    pytest.importorskip("jax")
    observation = observe(lambda input, *_: input, "jax", "addresses", "0,1")
    assert (observation.kind, observation.message) == ("unsupported", "jax chooses the addresses of its arrays")


@pytest.mark.isa
def test_a_call_is_made_with_each_count_of_threads() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()

    def count(input: Any, weight: Any, bias: Any = None) -> Any:
        return torch.full((1, 2, 3, 4), torch.get_num_threads(), dtype=torch.float32)

    observation = observe(count, "torch", "thread_counts", "2,3")
    assert [float(output.flat[0]) for output in observation.extra_outputs] == [2, 3]
    assert torch.get_num_threads() == before


def test_threads_are_restored_after_an_error() -> None:
    counts = {"pool": 1}
    pool = Pool(lambda count: counts.update(pool=count), lambda: counts["pool"])

    def fail(count: int) -> None:
        with threads_of([pool]) as set_threads:
            set_threads(count)
            raise RuntimeError(counts["pool"])

    with pytest.raises(RuntimeError, match="4"):
        fail(4)
    assert counts["pool"] == 1


def test_a_process_without_pools_has_fixed_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(thread_pools, "_loaded_libraries", list)
    monkeypatch.delitem(thread_pools.sys.modules, "numba", raising=False)  # type: ignore[attr-defined]
    with pytest.raises(FixedThreadsError, match="no library in its process"):
        pools(framework("numpy"))
