"""Kernels are loaded, or compiled, before a race: the first to need one would wait for it on its own clock."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import torch

from engine.config.settings import Settings
from engine.run.session import TrainerFactory
from engine.scenes import AnyScene, Scene
from engine.training.kinds import make_trainer

STEPS = 4  # after them all kernels of a stage were called


class WarmUp:
    """A few steps of each kind of run, once, thrown away."""

    def __init__(self, make_trainer: TrainerFactory = make_trainer) -> None:
        self._make_trainer = make_trainer
        self._done: set[tuple[object, ...]] = set()

    def run(self, scene: AnyScene, settings: Settings, device: torch.device) -> None:
        """Makes steps, where none were made of this kind; what fails here fails again in the race, where it is noted.

        Args:
            scene, settings, device: of a contestant.
        """
        kind = settings.method, settings.field, settings.preset
        if kind in self._done:
            return
        self._done.add(kind)
        if isinstance(scene, Scene):
            scene = replace(scene, tracks=None)  # its first step is one of the field
        with contextlib.suppress(Exception):
            trainer = self._make_trainer(scene, settings, device)
            for _ in range(STEPS):
                trainer.step()
