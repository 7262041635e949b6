"""Image filtering bank: one picture in, one feature map per filter out."""

import numpy as np


def filter_bank(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    assert len(input) == 1, "one image at a time"
    assert stride in (1, (1, 1)) and padding in (0, (0, 0)) and dilation in (1, (1, 1)) and groups == 1
    img = input[0].astype(np.float32)
    bank = weight.astype(np.float32)
    rows = img.shape[1] - bank.shape[2] + 1
    cols = img.shape[2] - bank.shape[3] + 1
    assert rows > 0 and cols > 0
    maps = np.zeros((bank.shape[0], rows, cols), np.float32)
    for r in range(rows):
        for c in range(cols):
            region = img[:, r : r + bank.shape[2], c : c + bank.shape[3]]
            maps[:, r, c] = (bank * region).sum(axis=(1, 2, 3))
    if bias is not None:
        maps += bias.astype(np.float32)[:, None, None]
    return maps[None]
