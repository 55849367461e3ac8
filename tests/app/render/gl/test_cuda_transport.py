"""The way of a volume from CUDA to OpenGL, with calls of CUDA that stand in for those of a GPU."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch

from app.model.common.pictures import NovelPicture
from app.render.gl import cuda_transport
from app.render.gl.cuda_transport import LEAST_BYTES, CudaBuffer, CudaCalls, choose_transport
from app.render.gl.pieces import Pieces
from app.render.gl.transport import HostPieces
from app.render.scheduling.effort import COMPLETE
from app.render.studio import Pixels, Studio
from engine.fields.baking import FieldVolume
from tests.support.pretend_cuda import NO_CUDA
from tests.support.pretend_runtime import PretendRuntime
from tests.support.pretend_streams import PretendStreams
from tests.support.worlds import fields
from tests.support.worlds.blocks import fine_volume

ONE_WRITE = ["map", "address", "copy", "unmap"]


@pytest.fixture
def runtime(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> Iterator[PretendRuntime]:
    """In place of `cuda.bindings.runtime`, with a device whose memory is the host's."""
    made = PretendRuntime(studio._context)
    monkeypatch.setattr(cuda_transport, "load_runtime", lambda: made)
    monkeypatch.setattr(cuda_transport, "check_renderer", lambda context: None)
    # Tensors of the host stand in for those of the device, on which no memory is.
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_, **__: self)
    with PretendStreams():
        yield made
    studio.volumes._uploads.release()
    assert not made.registered
    assert not made.mapped


def on_device(volume: FieldVolume, memory: str = "cpu") -> FieldVolume:
    """The same with tensors in place of arrays, as of a field on a GPU."""

    def moved(array: np.ndarray | None) -> torch.Tensor | None:
        return None if array is None else torch.tensor(np.array(array), device=memory)

    detail = volume.detail
    return replace(
        volume,
        voxels=moved(volume.voxels),
        tint=moved(volume.tint),
        proposal_density=moved(volume.proposal_density),
        detail=None if detail is None else replace(detail, blocks=moved(detail.blocks)),
        device="cuda:0",
    )


def drawn(studio: Studio, volume: FieldVolume) -> Pixels:
    for _ in studio.upload(volume):
        pass
    picture = NovelPicture(fields.camera())
    for _ in studio.march("novel", picture, COMPLETE, 1):
        pass
    return studio.show("novel", picture)


@pytest.mark.parametrize("space", [fields.PROJECTIVE, fields.BOX], ids=["projective", "box"])
def test_the_picture_is_the_one_of_the_host_s_way(
    studio: Studio, runtime: PretendRuntime, space: fields.Space
) -> None:
    volume = fields.volume_of(fields.grid(space, tinted=True, proposals=True))
    expected = drawn(studio, volume)
    assert not runtime.calls
    assert not studio.takes_device_memory
    there = on_device(volume)
    np.testing.assert_array_equal(drawn(studio, there), expected)
    assert studio.takes_device_memory
    # Tried out once; then voxels, three tints, pooled density and the overview, each in one piece.
    assert runtime.calls == ["set device", "list devices", "register", *7 * ONE_WRITE]
    np.testing.assert_array_equal(drawn(studio, replace(there, version=2)), expected)
    assert runtime.calls[-6 * 4 :] == 6 * ONE_WRITE
    np.testing.assert_array_equal(drawn(studio, replace(volume, device="cuda:0", version=3)), expected)
    assert len(runtime.calls) == 3 + 13 * 4  # arrays of the host go the host's way


def test_blocks_come_the_same_way(studio: Studio, runtime: PretendRuntime) -> None:
    dense = fields.volume_of(fields.grid(fields.BOX))
    volume = replace(dense, detail=fine_volume(torch.from_numpy(dense.voxels.astype(np.float32))))
    expected = drawn(studio, volume)
    np.testing.assert_array_equal(drawn(studio, on_device(volume)), expected)
    assert runtime.calls.count("copy") == 1 + 3


def test_the_next_volume_is_shown_when_it_is_complete(
    studio: Studio, runtime: PretendRuntime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pieces, "bytes_of", lambda *_: 1)
    picture = NovelPicture(fields.camera())

    def seen() -> Pixels:
        for _ in studio.march("novel", picture, COMPLETE, 1):
            pass
        return studio.show("novel", picture)

    volumes = [on_device(fields.even_volume("box", density=value)) for value in (0.0, -2.0, 3.0)]
    for number, volume in enumerate(volumes):
        before = seen() if number else None
        steps = 0
        for _ in studio.upload(replace(volume, version=number)):
            if before is not None and steps % 4 == 0:
                np.testing.assert_array_equal(seen(), before)
            steps += 1
        assert steps > 8
        assert before is None or np.abs(seen() - before).max() > 0.05
    texture = studio.volumes.of(None)
    assert len(texture._textures) == len(texture._next_textures) == 2


@pytest.mark.parametrize("failing", ["map", "address", "copy", "unmap"])
def test_after_a_call_that_fails_the_picture_comes_through_the_host(
    studio: Studio, runtime: PretendRuntime, failing: str, caplog: pytest.LogCaptureFixture
) -> None:
    volume = fields.volume_of(fields.grid(fields.BOX, tinted=True))
    expected = drawn(studio, volume)
    drawn(studio, on_device(volume))
    runtime.calls.clear()
    runtime.fails = {failing}
    np.testing.assert_array_equal(drawn(studio, on_device(replace(volume, version=2))), expected)
    assert not studio.takes_device_memory
    assert runtime.calls.count("copy") <= 1
    assert runtime.calls[-1] == "unregister"
    assert "failed with cudaErrorUnknown" in caplog.text
    assert studio.error() is None


@pytest.mark.parametrize(
    ("reason", "sentence"),
    [
        ("elsewhere", "which is not cuda:0"),
        ("register", "cudaGraphicsGLRegisterBuffer failed"),
        ("map", "cudaGraphicsMapResources failed"),
        ("spoils", "came out wrong"),
    ],
)
def test_where_it_does_not_work_the_log_says_why(
    studio: Studio, runtime: PretendRuntime, reason: str, sentence: str, caplog: pytest.LogCaptureFixture
) -> None:
    runtime.devices = [1] if reason == "elsewhere" else [0]
    runtime.spoils = reason == "spoils"
    runtime.fails = {reason}
    with caplog.at_level(logging.WARNING):
        made = choose_transport(studio._context, studio.driver, "cuda:0")
    assert isinstance(made, HostPieces)
    assert sentence in caplog.text
    assert not runtime.registered


def test_where_cuda_cannot_name_the_device_that_draws_a_copy_decides(studio: Studio, runtime: PretendRuntime) -> None:
    runtime.fails = {"list devices"}
    made = choose_transport(studio._context, studio.driver, "cuda:0")
    assert made.takes_device_memory
    made.release()


def test_a_gpu_that_does_not_draw_is_not_asked(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A computer with a GPU on which Mesa draws in software."""
    if "NVIDIA" in studio._context.info["GL_VENDOR"]:
        pytest.skip("a GPU draws here")
    monkeypatch.setattr(cuda_transport, "load_runtime", lambda: pytest.fail("CUDA was asked"))
    assert isinstance(choose_transport(studio._context, studio.driver, "cuda:0"), HostPieces)
    assert studio.info.split(",")[0] in caplog.text


def test_it_can_be_left_out(studio: Studio, runtime: PretendRuntime) -> None:
    assert isinstance(choose_transport(studio._context, studio.driver, "cuda:0", interoperate=False), HostPieces)
    assert not runtime.calls


def test_a_larger_piece_has_the_buffer_registered_anew(studio: Studio, runtime: PretendRuntime) -> None:
    made = CudaBuffer(studio._context, studio.driver, CudaCalls(runtime), torch.device("cuda:0"))
    for planes in (1, 3, 2):
        texture = studio._context.texture3d((512, 512, planes), 4, dtype="f2")
        values = torch.rand(planes, 512, 512, 4).half()
        made.write_planes(texture, 0, values)
        found = np.frombuffer(texture.read(), np.float16).reshape(values.shape)
        np.testing.assert_array_equal(found, values.numpy())
        texture.release()
    assert LEAST_BYTES > 3 * 512 * 512 * 8
    large = studio._context.texture3d((1024, 1024, 2), 4, dtype="f2")
    runtime.calls.clear()
    made.write_planes(large, 0, torch.zeros(2, 1024, 1024, 4).half())
    assert runtime.calls == ["unregister", "register", *ONE_WRITE]
    large.release()
    made.release()
    assert runtime.calls[-1] == "unregister"


def test_cuda_is_not_imported_for_fields_on_the_cpu(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str, package: str | None = None) -> None:
        raise AssertionError(f"{name} was imported")

    monkeypatch.setattr(importlib, "import_module", refuse)
    drawn(studio, fields.volume_of(fields.grid(fields.BOX)))
    assert not [name for name in sys.modules if name.startswith("cuda.")]


def test_without_the_package_the_log_says_what_to_install(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cuda_transport, "check_renderer", lambda context: None)
    monkeypatch.setitem(sys.modules, "cuda.bindings.runtime", None)
    monkeypatch.setitem(sys.modules, "cuda.bindings", None)
    with caplog.at_level(logging.WARNING):
        assert isinstance(choose_transport(studio._context, studio.driver, "cuda:0"), HostPieces)
    assert "l2g-viewer[gpu]" in caplog.text


@pytest.mark.gpu
@NO_CUDA
@pytest.mark.parametrize("space", [fields.PROJECTIVE, fields.BOX], ids=["projective", "box"])
def test_volumes_of_a_real_gpu_look_the_same(studio: Studio, space: fields.Space) -> None:
    """By whichever way they come: memory may be shared here, or not."""
    dense = fields.volume_of(fields.grid(space, tinted=True, proposals=True))
    for volume in (dense, replace(dense, detail=fine_volume(torch.from_numpy(dense.voxels.astype(np.float32))))):
        expected = drawn(studio, volume)
        there = on_device(volume, "cuda:0")
        torch.cuda.synchronize()
        for version in (2, 3):
            np.testing.assert_allclose(drawn(studio, replace(there, version=version)), expected, atol=2e-3)
