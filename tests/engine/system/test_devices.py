"""What is wrong with a GPU is one sentence with a mend; which one is imitated here."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import pytest
import torch

from engine.cli.program import exit_with
from engine.errors import UserError
from engine.geometry.numerics import make_constant
from engine.system.devices import OPTIONS, is_out_of_memory, resolve_device

FULL = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore on the next line.")
TOO_OLD = RuntimeError("The NVIDIA driver on your system is too old (found version 11040). Please update")


def raising(error: Exception) -> Callable[..., object]:
    def fail(*_: object, **__: object) -> object:
        raise error

    return fail


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A computer with one GPU that has nothing wrong, as far as torch is asked before a run."""
    monkeypatch.setattr("torch.backends.cuda.is_built", lambda: True)
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda *_: "NVIDIA Imaginary 1")
    monkeypatch.setattr("torch.cuda.get_device_capability", lambda *_: (3, 5))
    monkeypatch.setattr("torch.cuda.mem_get_info", lambda *_: (8 * 2**30, 8 * 2**30))
    monkeypatch.setattr("torch.zeros", lambda *_, **__: torch.ones(1))
    return monkeypatch


def test_a_gpu_with_nothing_wrong_is_taken(gpu: pytest.MonkeyPatch) -> None:
    assert resolve_device("auto").type == "cuda"
    assert resolve_device("cuda:0").index == 0


@pytest.mark.parametrize(
    ("changes", "name", "said", "mend"),
    [
        ({"backends.cuda.is_built": lambda: False}, "cuda", "built without CUDA", "pytorch.org"),
        ({"cuda.is_available": lambda: False, "cuda.init": raising(TOO_OLD)}, "cuda", "driver is too old", "Update"),
        (
            {"cuda.is_available": lambda: False, "cuda.init": raising(RuntimeError("Found no NVIDIA driver on"))},
            *("cuda", "no NVIDIA driver", "Install"),
        ),
        ({"cuda.is_available": lambda: False, "cuda.init": lambda: None}, "cuda", "no CUDA GPU", "CUDA_VISIBLE"),
        ({}, "cuda:2", "only cuda:0", "Choose"),
        ({"zeros": raising(FULL)}, "cuda", "memory of NVIDIA Imaginary 1 is full", "Close other programs"),
        (
            {"zeros": raising(RuntimeError("CUDA error: no kernel image is available for execution"))},
            *("cuda", "no code for NVIDIA Imaginary 1 .compute capability 3.5.", "pytorch.org"),
        ),
        ({"cuda.mem_get_info": lambda *_: (2**29, 2**33)}, "cuda", "0.5 GB of free memory", "Close other programs"),
    ],
)
def test_a_gpu_that_cannot_be_used_is_one_sentence_and_auto_takes_the_cpu(
    gpu: pytest.MonkeyPatch, changes: dict[str, object], name: str, said: str, mend: str
) -> None:
    for attribute, value in changes.items():
        gpu.setattr(f"torch.{attribute}", value)
    with pytest.raises(UserError, match=said) as raised:
        resolve_device(name)
    words = str(raised.value)
    assert words.startswith(f"--device {name} ")
    assert mend in words
    assert words.endswith("or choose --device cpu.")
    assert "\n" not in words
    if name == "cuda":
        assert resolve_device("auto").type == "cpu"


def test_the_least_memory_is_said_in_the_sentence_and_counts(gpu: pytest.MonkeyPatch) -> None:
    gpu.setattr("torch.cuda.mem_get_info", lambda *_: (OPTIONS.least_memory, 2**40))
    assert resolve_device("cuda").type == "cuda"


def test_full_memory_in_any_command_ends_it_with_code_2_and_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        exit_with(raising(FULL), "l2g-eval")  # type: ignore[arg-type]
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("l2g-eval: The GPU's memory is full (CUDA out of memory.")
    assert said.count("\n") == 1
    with pytest.raises(RuntimeError, match="something else"):
        exit_with(raising(RuntimeError("something else")), "l2g-eval")  # type: ignore[arg-type]


def test_what_counts_as_full_memory() -> None:
    assert is_out_of_memory(FULL)
    assert is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"))
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 must have the same dtype"))
    assert not is_out_of_memory(MemoryError())


def test_a_constant_is_made_once_for_each_type() -> None:
    like = torch.ones(2)
    with mock.patch("torch.tensor", wraps=torch.tensor) as made:
        one = make_constant([1.5, 2.0], like)
        assert make_constant((1.5, 2.0), like) is one
        assert make_constant([1.5, 2.0], like.double()).dtype == torch.float64
    assert made.call_count <= 2
    assert one.tolist() == [1.5, 2.0]
