"""Reading of JSON that may be wrong: bounded in size, types checked, errors that name the file and the key."""

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

MAXIMUM_BYTES = 64 * 2**20  # of a file; 100,000 frames with a 4x4 matrix each take some 40 MB


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
            f"{path} holds a JSON {_name_type(content)} where an object with cameras is needed; export it again."
        )
    return content


def read_number(values: Mapping[str, Any], key: str, path: Path, default: float | None = None) -> float:
    """The finite number of a key, or `default` if it is given and the key is missing.

    Raises:
        UserError: the key is missing without default, or its value is no finite number.
    """
    if key not in values and default is not None:
        return default
    value = _get_value(values, key, path)
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    except OverflowError:
        pass
    raise UserError(f"{path} has {key} = {_shorten(value)} where a finite number is needed; correct it.")


def read_text(values: Mapping[str, Any], key: str, path: Path) -> str:
    """The string of a key.

    Raises:
        UserError: the key is missing, or its value is no string, empty, or contains a zero character.
    """
    value = _get_value(values, key, path)
    if not isinstance(value, str) or not value or "\0" in value:
        raise UserError(f"{path} has {key} = {_shorten(value)} where a text is needed; correct it.")
    return value


def read_texts(values: Mapping[str, Any], key: str, path: Path) -> list[str]:
    """The list of strings of a key.

    Raises:
        UserError: the key is missing, or its value is something else.
    """
    value = _get_value(values, key, path)
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        raise UserError(f"{path} has {key} = {_shorten(value)} where a list of texts is needed; correct it.")
    return value


def read_list(values: Mapping[str, Any], key: str, path: Path) -> list[Any]:
    """The list of a key.

    Raises:
        UserError: the key is missing, or its value is something else or an empty list.
    """
    value = _get_value(values, key, path)
    if not isinstance(value, list):
        raise UserError(f"{path} has {key} = {_shorten(value)} where a list is needed; correct it.")
    if not value:
        raise UserError(f"{path} has an empty list of {key}; give at least two.")
    return value


def check_object(value: Any, path: Path) -> dict[str, Any]:
    """An element of a list that has to be an object.

    Raises:
        UserError: it is something else.
    """
    if not isinstance(value, dict):
        raise UserError(f"{path} has {_shorten(value)} where a frame's object is needed; correct it.")
    return value


def read_pose_matrix(values: Mapping[str, Any], key: str, path: Path) -> Float[Tensor, "3 4"]:
    """The 3x4 matrix of a key, or the first three rows of a 4x4 one, double precision; entries may be infinite or NaN.

    Raises:
        UserError: the key is missing, or its value is something else.
    """
    value = _get_value(values, key, path)
    try:
        matrix = torch.tensor(value, dtype=torch.float64)
    except (ValueError, TypeError, RuntimeError, OverflowError):
        matrix = torch.empty(0)
    if matrix.shape not in ((3, 4), (4, 4)):
        raise UserError(f"{path} has {key} = {_shorten(value)} where a 4x4 matrix of numbers is needed; correct it.")
    return matrix[:3]


def name_entry(entry: Any) -> str:
    """The `file_path` of a frame's entry, or what stands for it where it has none that is a text."""
    name = entry.get("file_path") if isinstance(entry, dict) else None
    return name if isinstance(name, str) and name else "a frame without file_path"


def _get_value(values: Mapping[str, Any], key: str, path: Path) -> Any:
    if key not in values:
        raise UserError(f"{path} lacks {key}; add it or export the file again.")
    return values[key]


def _shorten(value: Any) -> str:
    shown = json.dumps(value, default=str)
    return shown if len(shown) <= 40 else shown[:37] + "..."


def _name_type(value: Any) -> str:
    return {list: "list", str: "text", bool: "truth value", type(None): "null"}.get(type(value), "number")
