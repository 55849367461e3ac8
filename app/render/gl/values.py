"""What arrays of the host and tensors of a GPU are asked alike: the values of a volume are the one or the other."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import torch

from engine.fields.baking import Values


def functions_of(values: Values) -> ModuleType:
    """numpy or torch: whichever has the functions for these values."""
    return torch if isinstance(values, torch.Tensor) else np


def as_single(values: Values) -> Values:
    """In single precision."""
    return values.float() if isinstance(values, torch.Tensor) else values.astype(np.float32)


def as_half(values: Values) -> Values:
    """In half precision."""
    return values.half() if isinstance(values, torch.Tensor) else values.astype(np.float16)


def make_contiguous(values: Values) -> Values:
    """In the order of C, without gaps; the same object where they are."""
    return values.contiguous() if isinstance(values, torch.Tensor) else np.ascontiguousarray(values)


def take_rows(values: Values, numbers: np.ndarray) -> Values:
    """Rows of these numbers, in a copy where they are on a GPU."""
    if isinstance(values, torch.Tensor):
        return values[torch.from_numpy(numbers).to(values.device)]
    return values[numbers]


def reorder_axes(values: Values, axes: tuple[int, ...]) -> Values:
    """With its axes in this order."""
    return values.permute(axes) if isinstance(values, torch.Tensor) else values.transpose(axes)


def view_as_words(halves: Values) -> Values:
    """Four half-precision values, along the last axis, as one integer: copies of larger elements are quicker."""
    return halves.view(torch.int64) if isinstance(halves, torch.Tensor) else halves.view(np.uint64)


def view_as_halves(words: Values) -> Values:
    """The opposite of `view_as_words`."""
    return words.view(torch.float16) if isinstance(words, torch.Tensor) else words.view(np.float16)


def bring_to_host(values: Values) -> np.ndarray:
    """An array of the host; waits for a GPU."""
    return values.cpu().numpy() if isinstance(values, torch.Tensor) else values
