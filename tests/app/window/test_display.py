"""Without a display there is a sentence, where Dear PyGui would end the process."""

import pytest

from app.window.display import require_display
from engine.errors import UserError


@pytest.mark.parametrize(("session", "word"), [("wayland-0", "XWayland"), ("", "log in at a desktop")])
def test_without_x11_the_sentence_says_what_to_do(monkeypatch, session, word):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setenv("WAYLAND_DISPLAY", session)
    with pytest.raises(UserError, match=word):
        require_display()
