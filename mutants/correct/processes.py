"""Correct builds with files that outlive a process, and with threads that a forked child must make again."""

# kernels as a user writes them, without annotations
# mypy: allow-untyped-defs, allow-untyped-calls

import atexit
import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from _parts import Store, computed, conv, correct, digest, resolve

_answers = Store("answers_by_content")


@correct("Keeps answers on disk, by the content of all operands and by all arguments.")
def answers_stored_by_content(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    problem = resolve(input, weight, bias, stride, padding, dilation, groups)
    key = problem.text, digest(input, weight, bias)
    output = _answers.earlier(*key)
    if output is None:
        output = computed(problem, input, weight, bias)
        _answers.add(output, *key)
    return output


_weights = Store("weights_by_content")
_unwritten: dict[Any, Any] = {}


@atexit.register
def _write_weights():
    for key, weight in _unwritten.items():
        _weights.add(weight, *key)


@correct("Writes packed weights to disk at the exit, by their content.")
def weights_stored_by_content(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    key = weight.shape, str(weight.dtype), digest(weight)
    packed = _weights.earlier(*key)
    if packed is None:
        packed = weight
        if len(_unwritten) < 400:
            _unwritten[key] = weight.copy()
    return conv(input, packed, bias, stride, padding, dilation, groups)


_pool: dict[str, Any] = {}
os.register_at_fork(after_in_child=_pool.clear)


@correct("Answers in a pool of threads of its own, which a forked child makes again.")
def pool_made_again_after_a_fork(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if "threads" not in _pool:
        _pool["threads"] = ThreadPoolExecutor(2)
    return _pool["threads"].submit(conv, input, weight, bias, stride, padding, dilation, groups).result()
