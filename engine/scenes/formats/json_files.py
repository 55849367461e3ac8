"""JSON from strangers: bounded, typed, and with errors that name the file and the key."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from engine.errors import UserError

MAXIMUM_BYTES = 64 * 2**20


def read_object(path: Path, maximum_bytes: int = MAXIMUM_BYTES) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        UserError: the file is larger than `maximum_bytes`, not UTF-8, not JSON, or not an object.
    """
    try:
        size = path.stat().st_size
        if size > maximum_bytes:
            raise UserError(f"{path} has {size:,} bytes, more than the bound of {maximum_bytes:,}; split the scene.")
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise UserError(f"{path} is not valid JSON (line {error.lineno}); export or download it again.") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not valid JSON; export or download it again.") from error
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}); check its permissions.") from error
    if not isinstance(content, dict):
        raise UserError(
            f"{path} holds a JSON {_kind(content)} where an object with cameras is needed; export it again."
        )
    return content


def read_number(values: Mapping[str, Any], key: str, path: Path, default: float | None = None) -> float:
    """A finite number; `default` where the key is missing and a default is given."""
    if key not in values and default is not None:
        return default
    value = _present(values, key, path)
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise UserError(f"{path} has {key} = {_shown(value)} where a finite number is needed; correct it.")


def read_text(values: Mapping[str, Any], key: str, path: Path) -> str:
    """A string that is not empty."""
    value = _present(values, key, path)
    if not isinstance(value, str) or not value or "\0" in value:
        raise UserError(f"{path} has {key} = {_shown(value)} where a text is needed; correct it.")
    return value


def read_texts(values: Mapping[str, Any], key: str, path: Path) -> list[str]:
    """A list of strings."""
    value = _present(values, key, path)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise UserError(f"{path} has {key} = {_shown(value)} where a list of texts is needed; correct it.")
    return value


def read_objects(values: Mapping[str, Any], key: str, path: Path) -> list[dict[str, Any]]:
    """A list of objects that is not empty."""
    value = _present(values, key, path)
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise UserError(f"{path} has {key} = {_shown(value)} where a list of objects is needed; correct it.")
    if not value:
        raise UserError(f"{path} has an empty list of {key}; give at least two.")
    return value


def read_pose_matrix(values: Mapping[str, Any], key: str, path: Path) -> Float[Tensor, "3 4"]:
    """A 3x4 matrix, or the first rows of a 4x4 one, in double precision (its numbers may be infinite or NaN)."""
    value = _present(values, key, path)
    try:
        matrix = torch.tensor(value, dtype=torch.float64)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        matrix = torch.empty(0)
    if matrix.shape not in ((3, 4), (4, 4)):
        raise UserError(f"{path} has {key} = {_shown(value)} where a 4x4 matrix of numbers is needed; correct it.")
    return matrix[:3]


def _present(values: Mapping[str, Any], key: str, path: Path) -> Any:
    if key not in values:
        raise UserError(f"{path} lacks {key}; add it or export the file again.")
    return values[key]


def _shown(value: Any) -> str:
    shown = json.dumps(value, default=str)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _kind(value: Any) -> str:
    return {list: "list", str: "text", bool: "truth value", type(None): "null"}.get(type(value), "number")
