"""Outliers of a run: photos that were left out when they were read, and frames that do not fit the others."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.messages import FrameStatus
from engine.registration.relocalisation.search import DEFAULTS
from engine.run.session import Session
from engine.scenes import AnyScene, Scene
from engine.scenes.scene import LeftOut


def reading_sentences(scene: AnyScene) -> list[str]:
    """Sentences on how a scene was read, and which of its photos are no frames."""
    if not isinstance(scene, Scene):
        return []
    return [*scene.notes, *(f"Left out: {photo.name} ({photo.reason})." for photo in scene.left_out)]


def outliers(session: Session) -> list[LeftOut]:
    """The photos that were left out, and the frames whose photometric error at the end is far above the median.

    Where poses are not fitted, an error says nothing of whether a frame fits the others: it only shows more detail.
    """
    scene = session.scene
    if not isinstance(scene, Scene):
        return []
    found = list(scene.left_out)
    named = {photo.name for photo in found}
    if session.trainer is not None:
        psnr = session.trainer.frame_psnr().detach().cpu().numpy()
        status = session.trainer.frame_status()
        unlike = find_outliers(psnr) if session.settings.registers else []
        rejected = [i for i in range(len(status)) if status[i] in (FrameStatus.REJECTED, FrameStatus.WAITING)]
        for index in sorted({*unlike, *rejected}):
            level = f" ({psnr[index]:.1f} dB)" if np.isfinite(psnr[index]) else ""
            name = scene.names[scene.training_frames[index]]
            if name not in named:  # a photo that was left out may have been added since
                found.append(LeftOut(name, f"does not fit what the others show{level}"))
    return found


def find_outliers(psnr: Sequence[float] | np.ndarray) -> list[int]:
    """Frames whose mean squared error is far above the median."""
    error = 10 ** (-np.asarray(psnr, dtype=np.float64) / 10)
    finite = np.isfinite(error)
    if not finite.any():
        return []
    return np.nonzero(finite & (error > DEFAULTS.outlier_factor * np.median(error[finite])))[0].tolist()
