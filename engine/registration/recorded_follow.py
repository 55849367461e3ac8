"""The end of a step of a local warp, recorded where a GPU plays it: it is more operations than the step itself."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from engine.registration.warp_motion import WarpStep
from engine.system.recorded_work import WorkKind, make_recorded_work, tensors_of, upload_made


class FollowedRegistration(Protocol):
    """What is needed of a registration; see `engine.registration.registration.Registration`."""

    def fitted(self) -> Tensor: ...

    def follow(self, before: Tensor, step: WarpStep) -> None: ...

    def module(self) -> nn.Module: ...


class RecordedFollow:
    """`fitted` and `follow` of a registration; a GPU plays them, with the numbers of the step as tensors."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._fits, self._follows = make_recorded_work(device), make_recorded_work(device)
        self._before: Tensor | None = None
        self._step: WarpStep | None = None

    def forget(self) -> None:
        """Gives recordings up, and their memory back."""
        self._fits.forget()
        self._follows.forget()

    def begin(self, registration: FollowedRegistration) -> None:
        """Before the optimiser's step: keeps what is fitted."""
        if self._device.type == "cpu":
            self._before = registration.fitted()
            return
        found = self._fits.do(WorkKind((), tensors_of(registration.module()), False), registration.fitted)
        if self._before is None or self._before.shape != found.shape:
            self._before = found.clone()
        self._before.copy_(found)

    def end(self, registration: FollowedRegistration, step: WarpStep) -> None:
        """After it: see `Registration.follow`."""
        before, self._step = self._before, step
        assert before is not None
        if self._device.type == "cpu":
            registration.follow(before, step)
            return
        module = registration.module()
        buffers = list(module.buffers())  # `follow` clears their gradients, not the optimiser
        switches = (step.partly, step.stiffens_network, *(tensor.requires_grad for tensor in buffers))
        memory = (*tensors_of(module), before, *(tensor.grad for tensor in buffers))
        kind = WorkKind(switches, memory, False)
        self._follows.do(kind, lambda: registration.follow(before, self._on_device(step)))
        for tensor in buffers:
            tensor.grad = None

    def _on_device(self, step: WarpStep) -> WarpStep:
        share, stiffness, limit, bend = upload_made(self._numbers, self._device).unbind()
        return step._replace(share=share, stiffness=stiffness, limit=limit, bend=bend)

    def _numbers(self) -> Tensor:
        """Of the step that is ended now, also where one of before was recorded."""
        assert self._step is not None
        return torch.tensor(self._step[:4])
