"""Words of the command line that are for another command."""

from __future__ import annotations

from typing import Any

import pytest

from app.arguments import ViewerArguments, check_viewer_arguments
from engine.errors import UserError


@pytest.mark.parametrize(
    "given", [{"race": ("l2g", "barf")}, {"equal": "seconds"}, {"evaluate": True}, {"export": ("mesh",)}]
)
def test_what_only_training_without_a_window_can_do_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="for l2g-train"):
        check_viewer_arguments(ViewerArguments(**given))
    check_viewer_arguments(ViewerArguments())
