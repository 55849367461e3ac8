"""The data sets that can be downloaded: their archives, sources and terms of use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.errors import UserError
from engine.scenes.formats.blender import TRAINING_FILE
from engine.scenes.formats.llff import POSES_FILE
from engine.scenes.paths import suggest_name


@dataclass(frozen=True)
class Archive:
    """A zip file on a server.

    Attributes:
        name: file name.
        url: address of the file.
        sha256: checksum of the file, hexadecimal, or None where none is published: then only the checksums inside the
            zip file are verified.
        size: bytes, or None where only the server knows it.
    """

    name: str
    url: str
    sha256: str | None = None
    size: int | None = None


@dataclass(frozen=True)
class DataSet:
    """A scene that can be downloaded.

    Attributes:
        name: collection and scene, such as `llff/fern`.
        marker: file name by which the scene's folder is recognised inside an archive.
        archives: archives that hold it, in order of preference; the first that can be downloaded is used.
        source: where its authors offer it.
        terms: terms of use, for the user.
    """

    name: str
    marker: str
    archives: tuple[Archive, ...]
    source: str
    terms: str

    @property
    def scene(self) -> str:
        """Name of the scene without its collection."""
        return self.name.split("/")[1]


# A mirror at a fixed revision, whose host publishes checksums; the authors' own Drive links change.
_MIRROR = "https://huggingface.co/datasets/YouLiXiya/nerf/resolve/8bb2c1f48e1ee51a94bce0c1634dd04795f92faa"
EXAMPLES = Archive(
    "nerf_example_data.zip",
    "https://cseweb.ucsd.edu/~viscomp/projects/LF/papers/ECCV20/nerf/nerf_example_data.zip",
)
LLFF = Archive(
    "nerf_llff_data.zip",
    f"{_MIRROR}/nerf_llff_data.zip",
    "b8be42c77ce345e647812cb69d1f92d2a85159f2464847e99458e53d13cb1d96",
)
SYNTHETIC = Archive(
    "nerf_synthetic.zip",
    f"{_MIRROR}/nerf_synthetic.zip",
    "5e36e96ba8e3564835e9313a47f088aa26eeb88093dcccc695bdb1adec398efd",
    1_676_854_825,
)
SOURCE = "https://www.matthewtancik.com/nerf (Drive folder 1cK3UDIJqKAAm7zyrxRYVFJ0BRMgrwhh4)"
LLFF_TERMS = (
    "Photos of the LLFF and NeRF papers (Mildenhall et al., SIGGRAPH 2019 and ECCV 2020), offered for research; "
    "no licence comes with them. Cite the papers; ask the authors before any other use."
)
SYNTHETIC_TERMS = (
    "Renderings of the NeRF paper (Mildenhall et al., ECCV 2020). This scene's model: {}. Cite the paper."
)
MODELS = {
    "chair": "by 1DInc, CC-0",
    "drums": "by bryanajones, CC-BY",
    "ficus": "by Herberhold, CC-0",
    "hotdog": "by erickfree, CC-0",
    "lego": "by Heinzelnisse, CC-BY-NC",
    "materials": "by elbrujodelatribu, CC-0",
    "mic": "by up3d.de, CC-0",
    "ship": "by gregzaal, CC-BY-SA",
}
LLFF_SCENES = ("fern", "flower", "fortress", "horns", "leaves", "orchids", "room", "trex")


def _list_data_sets() -> dict[str, DataSet]:
    found = [
        DataSet(f"llff/{scene}", POSES_FILE, (EXAMPLES, LLFF) if scene == "fern" else (LLFF,), SOURCE, LLFF_TERMS)
        for scene in LLFF_SCENES
    ]
    found += [
        DataSet(
            f"blender/{scene}",
            TRAINING_FILE,
            (EXAMPLES, SYNTHETIC) if scene == "lego" else (SYNTHETIC,),
            SOURCE,
            SYNTHETIC_TERMS.format(model),
        )
        for scene, model in MODELS.items()
    ]
    return {one.name: one for one in found}


DATA_SETS = _list_data_sets()


def find_data_sets(name: str) -> Sequence[DataSet]:
    """The data set with the given name, or all of a collection (`llff`, `blender`).

    Raises:
        UserError: there is no data set or collection of that name; the message suggests a similar one.
    """
    found = [one for one in DATA_SETS.values() if name in (one.name, one.name.split("/")[0])]
    if not found:
        near = suggest_name(name, DATA_SETS)
        raise UserError(f"There is no data set {name}{near}; choose among {', '.join(DATA_SETS)}, llff or blender.")
    return found
