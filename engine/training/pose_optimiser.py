"""Adam over everything that is not the field: the registration, and what of the calibration may move."""

from __future__ import annotations

from typing import Any, Protocol

import torch
from torch import Tensor, nn


class ParameterGroups(Protocol):
    """What may move besides the poses, at rates relative to theirs: a calibration."""

    def groups(self) -> list[dict[str, Any]]: ...


class PoseOptimiser:
    """One optimiser, or none where nothing moves; its state lists parameter by parameter, in a fixed order."""

    def __init__(self, module: nn.Module, calibration: ParameterGroups | None = None) -> None:
        parameters = list(module.parameters())
        groups: list[dict[str, Any]] = [{"params": parameters}] if parameters else []
        groups += calibration.groups() if calibration else []
        self._adam = torch.optim.Adam(groups, lr=1e-3, foreach=True) if groups else None

    @property
    def parameters(self) -> list[Tensor]:
        """Everything that moves."""
        groups = [] if self._adam is None else self._adam.param_groups
        return [parameter for group in groups for parameter in group["params"]]

    @property
    def finite(self) -> bool:
        """Whether all gradients are; waits for the device."""
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        return all(bool(torch.isfinite(gradient.sum())) for gradient in gradients)

    def clear(self) -> None:
        """Forgets the gradients."""
        if self._adam is not None:
            self._adam.zero_grad(set_to_none=True)

    def step(self, rate: float, calibrates: bool, guarded: bool, registration_rate: float | None = None) -> None:
        """One step.

        Args:
            rate: of the poses; the calibration's rates are relative to it.
            calibrates: whether the calibration moves yet.
            guarded: take gradients that are not finite for zero, where they were not checked before.
            registration_rate: of the registration's own parameters, where it is not that of the poses.
        """
        if self._adam is None:
            return
        for group in self._adam.param_groups:
            group["lr"] = rate * (group.get("relative_rate", 1.0) if calibrates or "relative_rate" not in group else 0)
        if registration_rate is not None:
            self._adam.param_groups[0]["lr"] = registration_rate
        if guarded:
            for parameter in self.parameters:
                if parameter.grad is not None:
                    parameter.grad.nan_to_num_(0.0, 0.0, 0.0)
        self._adam.step()

    def state(self) -> dict[str, Tensor]:
        """Adam's moments, for a checkpoint."""
        return {
            f"{index}.{name}": value
            for index, parameter in enumerate(self.parameters)
            for name, value in self._adam.state[parameter].items()  # type: ignore[union-attr]
        }

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Takes up what `state` gave."""
        if self._adam is None or not tensors:
            return
        for index, parameter in enumerate(self.parameters):
            self._adam.state[parameter] = {
                "step": tensors[f"{index}.step"].cpu().clone(),
                "exp_avg": tensors[f"{index}.exp_avg"].to(parameter).clone(),
                "exp_avg_sq": tensors[f"{index}.exp_avg_sq"].to(parameter).clone(),
            }

    def followed_by(self, after: PoseOptimiser) -> PoseOptimiser:
        """The optimiser of more frames that goes on where this one stands; its frames come first there.

        Of the others nothing is known; their second moments begin at the mean of these, so that their first steps are
        no longer.
        """
        moments = self.state()
        for index, parameter in enumerate(after.parameters):
            for name in ("exp_avg", "exp_avg_sq"):
                known = moments.get(f"{index}.{name}")
                if known is None or known.shape == parameter.shape:
                    continue
                first = torch.zeros_like(known[:1]) if name == "exp_avg" else known.mean(dim=0, keepdim=True)
                rest = first.expand(len(parameter) - len(known), *known.shape[1:])
                moments[f"{index}.{name}"] = torch.cat([known, rest])
        after.load_state(moments)
        return after
