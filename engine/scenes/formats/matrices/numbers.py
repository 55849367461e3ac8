"""Matrices in text files, as research code writes them with NumPy."""

from __future__ import annotations

import math
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError

MAXIMUM_BYTES = 2**16  # of a file with a few numbers


def read_numbers(file: Path) -> list[float]:
    """All numbers of a text file, separated by spaces, commas or ends of lines; what follows a # is left out.

    Raises:
        UserError: the file cannot be read, is long, or holds something other than finite numbers.
    """
    try:
        if file.stat().st_size > MAXIMUM_BYTES:
            raise UserError(f"{file} is too long for the matrix of a camera; copy it again.")
        lines = file.read_text(encoding="utf-8-sig").splitlines()
        numbers = [float(word) for line in lines for word in line.partition("#")[0].replace(",", " ").split()]
    except ValueError as error:
        raise UserError(f"{file} holds something other than numbers; copy or export it again.") from error
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}); check that it exists.") from error
    if not all(math.isfinite(number) for number in numbers):
        raise UserError(f"{file} holds numbers that are not finite; remove the frame or mend them.")
    return numbers


def read_pose_matrix(file: Path) -> Float[Tensor, "3 4"]:
    """The first three rows of a 4x4 matrix, double precision.

    Raises:
        UserError: the file cannot be read or holds another count of numbers.
    """
    numbers = read_numbers(file)
    if len(numbers) not in (12, 16):
        raise UserError(f"{file} has {len(numbers)} numbers where a 4x4 matrix is needed; export it again.")
    return torch.tensor(numbers[:12], dtype=torch.float64).reshape(3, 4)
