"""What the documents point to exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("app", "engine", "scenes", "tests", ".github")
DOCUMENTS = sorted(
    file.relative_to(REPOSITORY).as_posix()
    for pattern in ("*.md", *(f"{folder}/**/*.md" for folder in FOLDERS))
    for file in REPOSITORY.glob(pattern)
)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PATH = re.compile(rf"`((?:{'|'.join(re.escape(folder) for folder in FOLDERS)})/[\w./-]+)`")
MODULE = re.compile(r"python -m ((?:app|engine|scenes|tests)(?:\.\w+)+)")


def missing(root: Path, document: str) -> list[str]:
    """Relative links, paths in code font and modules that a document names and that are not there."""
    text = (root / document).read_text()
    links = [link for link in LINK.findall(text) if "://" not in link]
    lost = [link for link in links if not (root / document).parent.joinpath(link).exists()]
    lost += [path for path in PATH.findall(text) if not (root / path).exists()]
    for module in MODULE.findall(text):
        file = root / module.replace(".", "/")
        if not file.with_suffix(".py").exists() and not file.is_dir():
            lost.append(module)
    return lost


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_a_document_points_to_exists(document: str) -> None:
    assert missing(REPOSITORY, document) == []


def test_what_is_missing_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "run.py").touch()
    (tmp_path / "A.md").write_text(
        "[a](engine/run.py) [b](engine/go.py) [c](https://arxiv.org/x) `engine/run.py` `app/x` `runs/y`\n"
        "python -m engine.run\npython -m tests.benchmarks.none\n"
    )
    assert missing(tmp_path, "A.md") == ["engine/go.py", "app/x", "tests.benchmarks.none"]
