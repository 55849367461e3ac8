"""Frames selected from a video differ."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from engine.errors import UserError
from engine.scenes import load_scene
from engine.scenes.photos import video as video_module
from engine.scenes.photos.files import list_photos
from engine.scenes.photos.video import extract_frames
from engine.scenes.photos.video_colours import Abilities, choose_mapping, find_abilities, find_transfer
from engine.scenes.progress import ReadingProgress
from tests.support.scenes.photos_on_disk import fern_photos


def write_video(path: Path, frames: int = 30, still: int = 0) -> Path:
    """A video of a view that moves over a photo, after standing still for some frames."""
    photo = np.asarray(Image.open(fern_photos()[0]).convert("RGB"))
    height, width = photo.shape[0] // 2 // 16 * 16, photo.shape[1] // 2 // 16 * 16
    writer = imageio_ffmpeg.write_frames(str(path), (width, height), fps=15, quality=8, macro_block_size=16)
    writer.send(None)
    for number in range(frames + still):
        x = max(number - still, 0) * (photo.shape[1] - width - 1) // max(frames, 1)
        writer.send(np.ascontiguousarray(photo[40 : 40 + height, x : x + width]))
    writer.close()
    return path


def test_frames_are_chosen_written_once_and_progress_is_told(tmp_path: Path) -> None:
    video, told = write_video(tmp_path / "walk.mp4", still=30), list[ReadingProgress]()
    folder, note = extract_frames(video, 6, 10**7, told.append)  # type: ignore[arg-type]
    names = [file.name for file in list_photos(folder)]
    assert len(names) == 6
    assert sum(int(name[6:11]) >= 30 for name in names) >= 5  # where it stands still one is enough
    assert note.startswith("6 of the video's 60 frames")
    assert {event.what for event in told} == {"looking through the video", "taking frames from the video"}
    assert told[-1].done == told[-1].total
    told.clear()
    assert extract_frames(video, 6, 10**7, told.append) == (folder, note)  # type: ignore[arg-type]
    assert not told
    assert extract_frames(video, 5, 10**7, told.append)[0] != folder  # type: ignore[arg-type]


def test_what_is_no_video_is_said_and_leaves_nothing_in_the_cache(tmp_path: Path, own_cache: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"this is no video" * 100)
    with pytest.raises(UserError, match=r"broken\.mp4 has no frames that ffmpeg can read"):
        extract_frames(broken, None, 10**7, lambda _: None)
    short = write_video(tmp_path / "short.mp4", frames=2)
    with pytest.raises(UserError, match="film for some seconds"):
        extract_frames(short, None, 10**7, lambda _: None)
    with pytest.raises(UserError, match="more than 1,000"):
        extract_frames(write_video(tmp_path / "large.mp4", frames=3), None, 1000, lambda _: None)
    assert not [entry for entry in own_cache.rglob("*") if entry.is_file()]


def test_a_camera_that_stands_still_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the camera stands still, so film while you walk"):
        load_scene(write_video(tmp_path / "tripod.mp4", frames=0, still=30))


def run_ffmpeg(*options: str) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-loglevel", "error", "-y", *options], check=True, timeout=60)


def make_hdr(source: Path, target: Path, transfer: str, white: int) -> None:
    """A 10-bit HDR copy of a video, whose white is `white` cd/m², as phones write them: HEVC, ITU-R BT.2020."""
    filters = (
        "setparams=color_primaries=bt709:color_trc=bt709:colorspace=smpte170m:range=tv,"
        f"zscale=t=linear:npl={white},format=gbrpf32le,"
        f"zscale=p=bt2020:t={transfer}:m=bt2020nc:r=tv:npl={white},format=yuv420p10le"
    )
    tags = ["-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", "tv"]
    encoder = ["-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none:crf=10"]
    run_ffmpeg("-i", str(source), "-vf", filters, *encoder, *tags, str(target))


def read_all(folder: Path) -> dict[str, np.ndarray]:
    return {file.name: np.asarray(Image.open(file).convert("RGB"), np.float64) for file in list_photos(folder)}


def measure_colour(pictures: dict[str, np.ndarray]) -> float:
    """Mean difference of the largest and the smallest of R, G, B."""
    return float(np.mean([np.ptp(picture, axis=-1).mean() for picture in pictures.values()]))


@pytest.mark.parametrize(("transfer", "name"), [("arib-std-b67", "HLG"), ("smpte2084", "PQ")])
@pytest.mark.parametrize("white", [100, 203])
def test_hdr_has_the_colours_of_the_same_scene_in_standard_range(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, transfer: str, name: str, white: int
) -> None:
    standard = write_video(tmp_path / "standard.mp4", frames=12)
    make_hdr(standard, tmp_path / "hdr.mp4", transfer, white)
    expected = read_all(extract_frames(standard, 12, 10**7, lambda _: None)[0])
    folder, note = extract_frames(tmp_path / "hdr.mp4", 12, 10**7, lambda _: None)
    assert f"high dynamic range ({name}), which is mapped to standard colours" in note
    found = read_all(folder)
    both = found.keys() & expected.keys()
    assert len(both) > 6
    # Of 255; without a mapping it is 20 to 47. Where nothing is white, what shall be white is a choice.
    assert max(abs(found[one].mean(axis=(0, 1)) - expected[one].mean(axis=(0, 1))).max() for one in both) < 8
    assert measure_colour(found) == pytest.approx(measure_colour(expected), rel=0.1)

    def without_filters(ffmpeg: str) -> Abilities:
        return Abilities(False, find_abilities(ffmpeg).keeps_frames)

    monkeypatch.setattr(video_module, "find_abilities", without_filters)
    folder, note = extract_frames(tmp_path / "hdr.mp4", 5, 10**7, lambda _: None)
    assert f"({name}), which ffmpeg cannot map here: colours are pale" in note
    assert measure_colour(read_all(folder)) < 0.8 * measure_colour(expected)


def test_highlights_are_compressed_and_the_rest_is_not() -> None:
    described = "yuv420p10le(tv, bt2020nc/bt2020/arib-std-b67)"
    dim = choose_mapping([np.full(100, 0.5)], described)
    assert "npl=100.0" in dim.split("tonemap")[0]
    assert "peak=1.0100" in dim
    bright = choose_mapping([np.linspace(0, 12, 1000)], described)
    assert "npl=203.0" in bright
    assert f"peak={1000 / 203:.4f}" in bright
    assert find_transfer("yuv420p(tv, bt709, progressive)") is None


def test_a_turned_video_comes_upright(tmp_path: Path) -> None:
    lying = write_video(tmp_path / "lying.mp4", frames=12)
    run_ffmpeg("-display_rotation", "90", "-i", str(lying), "-c", "copy", str(tmp_path / "turned.mp4"))
    flat = read_all(extract_frames(lying, 12, 10**7, lambda _: None)[0])
    upright = read_all(extract_frames(tmp_path / "turned.mp4", 12, 10**7, lambda _: None)[0])
    both = flat.keys() & upright.keys()
    assert len(both) > 6
    for name in both:  # ffmpeg's angle is counterclockwise
        assert abs(np.rot90(flat[name]) - upright[name]).mean() < 6


def test_frames_of_a_variable_rate_come_once_each(tmp_path: Path) -> None:
    steady = write_video(tmp_path / "steady.mp4", frames=24)
    gaps = "setpts='(N/15+2*gte(N,8)+3*gte(N,16))/TB'"  # as if the camera had paused twice
    run_ffmpeg("-i", str(steady), "-vf", gaps, "-fps_mode", "vfr", "-c:v", "libx264", str(tmp_path / "gaps.mp4"))
    folder, note = extract_frames(tmp_path / "gaps.mp4", 6, 10**7, lambda _: None)
    assert note.startswith("6 of the video's 24 frames")
    assert len(list_photos(folder)) == 6
