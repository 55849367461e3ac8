"""A folder is claimed by one process at a time."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path

import pytest

from engine.system.folder_claim import claim_folder, is_claimed_elsewhere

pytest.importorskip("fcntl")

HOLD = """
import fcntl, os, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
print(flush=True)
input()
"""


def test_a_folder_that_another_process_has_is_refused_until_it_ends(tmp_path: Path) -> None:
    words = [sys.executable, "-S", "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert is_claimed_elsewhere(tmp_path)
        assert claim_folder(tmp_path) is None
        other.kill()
    assert claim_folder(tmp_path) is not None


def test_within_a_process_a_folder_is_claimed_once_and_let_go_of(tmp_path: Path) -> None:
    claim = claim_folder(tmp_path)
    assert claim is not None
    assert claim_folder(tmp_path) is claim
    assert not is_claimed_elsewhere(tmp_path)
    script = HOLD.replace("LOCK_EX", "LOCK_EX | fcntl.LOCK_NB")
    words = [sys.executable, "-S", "-c", script, str(tmp_path)]
    assert b"BlockingIOError" in subprocess.run(words, input=b"", capture_output=True).stderr
    del claim
    gc.collect()
    assert subprocess.run(words, input=b"\n", capture_output=True).returncode == 0
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_has_no_claim(tmp_path: Path) -> None:
    assert not is_claimed_elsewhere(tmp_path / "none")
