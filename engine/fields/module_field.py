"""A base for fields whose parameters are one torch module: Adam, gradients, checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Self

import torch
from torch import Tensor, nn

from engine.config.rows import Stage
from engine.fields.field import FieldDefaults, copy_parameters

MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam keeps of a parameter


def zero_what_is_not_finite(parameters: Iterable[Tensor]) -> list[Tensor]:
    """The gradients of parameters. On a GPU those that are not finite become 0: to ask for them would wait for it."""
    gradients = [value.grad for value in parameters if value.grad is not None]
    for gradient in gradients:
        if gradient.device.type != "cpu":
            gradient.nan_to_num_(0.0, 0.0, 0.0)
    return gradients


class ModuleField(FieldDefaults):
    """The part of a field that does not depend on what its module computes.

    Attributes:
        module: whose parameters are trained and saved.
        optimiser: Adam, at the rate of the stage.
        device: where the module lives.
        skipped_steps: steps that were left out because a gradient was not finite.
        version: grows whenever the field changes.
    """

    module: nn.Module
    optimiser: torch.optim.Adam
    device: torch.device
    skipped_steps: int
    version: int
    _stage: Stage | None = None

    @property
    def stage(self) -> Stage:
        """The stage that was begun last."""
        if self._stage is None:
            raise RuntimeError("a field has no stage before its first")
        return self._stage

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While this context is open the module gathers no gradients."""
        parameters = list(self.module.parameters())
        gathered = [parameter.requires_grad for parameter in parameters]
        self.module.requires_grad_(False)
        try:
            yield
        finally:
            for parameter, gathers in zip(parameters, gathered, strict=True):
                parameter.requires_grad_(gathers)

    def step(self, fraction: float, factor: float = 1.0) -> None:
        """One step of Adam, left out where a gradient is not finite; the rate is exponential within the stage.

        On a GPU, where to ask whether one is would wait for the device, those that are not count as zero.
        """
        first, last = self.stage.field_rate
        self.optimiser.param_groups[0]["lr"] = first * (last / first) ** fraction * factor
        gradients = zero_what_is_not_finite(self.module.parameters())
        if gradients and (self.device.type != "cpu" or all(bool(gradient.isfinite().all()) for gradient in gradients)):
            self.optimiser.step()
            self.version += 1
        elif gradients:
            self.skipped_steps += 1
        self.optimiser.zero_grad()

    def at_stage(self, stage: Stage, fraction: float) -> Self:
        """A copy in another stage, opened as far as the run had come there."""
        copied = copy_parameters(self)
        if stage != self._stage:
            copied.begin_stage(stage)
            copied.progress(fraction)
        return copied

    def begin_stage(self, stage: Stage) -> None:
        """Takes up the stage's rates; a subclass with a resolution or a band limit of its stages overrides it."""
        self._stage = stage
        self.version += 1

    def discard(self) -> None:
        """Throws the gathered gradients away."""
        self.optimiser.zero_grad()

    def module_state(self) -> dict[str, Tensor]:
        """Parameters and moments, copies, for a checkpoint."""
        state = {}
        for name, value in self.module.named_parameters():
            state[f"module.{name}"] = value.detach().clone()
            for key, moment in self.optimiser.state[value].items():
                state[f"adam.{key}.{name}"] = moment.detach().clone()
        return state

    @torch.no_grad()
    def load_module_state(self, state: dict[str, Tensor]) -> None:
        """Takes up what `module_state` gave."""
        self.optimiser.state.clear()
        self.optimiser.zero_grad()
        for name, value in self.module.named_parameters():
            value.copy_(state[f"module.{name}"])
            for key in MOMENTS:
                if f"adam.{key}.{name}" in state:  # there are no moments before the first step
                    device = "cpu" if key == "step" else self.device  # where Adam keeps them
                    self.optimiser.state[value][key] = state[f"adam.{key}.{name}"].to(device, copy=True)
        self.version += 1
