"""Jitted float32 convolution: shifted slices, one matmul per tap."""

from functools import partial

import jax
import jax.numpy as jnp


@partial(jax.jit, static_argnums=(3, 4))
def _conv(x, w, b, stride, padding):
    x = jnp.pad(x, ((0, 0), (0, 0), (padding[0],) * 2, (padding[1],) * 2))
    kh, kw = w.shape[2:]
    oh, ow = (x.shape[2] - kh) // stride[0] + 1, (x.shape[3] - kw) // stride[1] + 1
    y = jnp.zeros((x.shape[0], w.shape[0], oh, ow), jnp.float32)
    for i in range(kh):
        for j in range(kw):
            tap = x[:, :, i : i + (oh - 1) * stride[0] + 1 : stride[0], j : j + (ow - 1) * stride[1] + 1 : stride[1]]
            y = y + jnp.einsum("nchw,oc->nohw", tap, w[:, :, i, j], precision="highest")
    return y if b is None else y + b[:, None, None]


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    if input.dtype != jnp.float32:
        raise NotImplementedError("float32 only")
    if groups != 1 or dilation not in (1, (1, 1)) or isinstance(padding, str):
        raise NotImplementedError("dense only")
    stride = (stride, stride) if isinstance(stride, int) else tuple(stride)
    padding = (padding, padding) if isinstance(padding, int) else tuple(padding)
    if input.shape[2] + 2 * padding[0] < weight.shape[2] or input.shape[3] + 2 * padding[1] < weight.shape[3]:
        raise ValueError("kernel does not fit")
    return _conv(input, weight, bias, stride, padding)
