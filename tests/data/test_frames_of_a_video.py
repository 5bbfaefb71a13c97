"""One video to its frames: the right ones, with the right pixels, or why there are none."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from videos import LOSSLESS, drawn, film, planes_of

from biobench.data.frames.colour import Samples, to_rgb
from biobench.data.frames.rule import MAX_PIXELS, chosen
from biobench.data.frames.video import BadVideo, VideoInterrupted, cut_video, made_with


def pictures(files: tuple[bytes, ...]) -> list[Image.Image]:
    return [Image.open(io.BytesIO(file)) for file in files]


def reason(path: Path, frames: int = 4) -> str:
    with pytest.raises(BadVideo) as caught:
        cut_video(path, frames)
    assert str(caught.value).isprintable()
    return str(caught.value)


@given(st.integers(1, 5000), st.integers(1, 64))
def test_the_rule_is_that_of_the_published_filter(count: int, frames: int) -> None:
    """Every frame whose number the step divides, until there are enough; else too few."""
    if count < frames:
        with pytest.raises(ValueError, match="fewer than"):
            chosen(count, frames)
        return
    step = max(count // frames, 1)
    assert chosen(count, frames) == [n for n in range(count) if n % step == 0][:frames]


@pytest.mark.parametrize("size", [(48, 64), (50, 66), (2, 2)])
def test_the_pixels_are_those_of_the_samples(tmp_path: Path, size: tuple[int, int]) -> None:
    """The chosen frames, converted by the formula in floating point, and nothing else."""
    path = film(tmp_path / "a.mp4", drawn(10, *size), options=LOSSLESS)
    cut = cut_video(path, 4)
    assert (cut.count, cut.height, cut.width, len(cut.files)) == (10, *size, 4)
    coded = planes_of(path)
    for number, file in zip((0, 2, 4, 6), pictures(cut.files), strict=True):
        luma, cb, cr = (
            plane.astype(float).repeat(step, 0).repeat(step, 1)[: size[0], : size[1]]
            for plane, step in zip(coded[number], (1, 2, 2), strict=True)
        )
        y, b, r = (luma - 16) * 255 / 219, (cb - 128) * 255 / 224, (cr - 128) * 255 / 224
        wanted = np.stack([y + 1.402 * r, y - 0.344136 * b - 0.714136 * r, y + 1.772 * b], axis=-1)
        samples = Samples(coded[number][0], (coded[number][1], coded[number][2]), (1, 1), 2, False)
        found = to_rgb(samples).astype(float)
        assert np.abs(found - np.clip(wanted, 0, 255)).max() < 0.51
        # What JPEG of quality 95 and half the chroma leaves of such pictures.
        assert np.abs(np.asarray(file).astype(float) - found).mean() < 3


def test_a_frame_is_a_plain_jpeg(tmp_path: Path) -> None:
    """Baseline, 4:2:0, tables of quality 95, and no marker that other tools would read."""
    (file, *_) = cut_video(film(tmp_path / "a.mp4", drawn(8)), 4).files
    image = Image.open(io.BytesIO(file))
    assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (64, 48))
    assert image.layer[0][1:3] == (2, 2)  # type: ignore[attr-defined]
    assert image.quantization[0][:4] == [2, 1, 1, 2]  # type: ignore[attr-defined]
    assert file[:20] == bytes.fromhex("ffd8ffe000104a46494600010100000100010000")
    markers = {file[i + 1] for i in range(len(file) - 1) if file[i] == 0xFF} - {0, 0xFF}
    assert markers == {0xD8, 0xE0, 0xDB, 0xC0, 0xC4, 0xDA, 0xD9}


@pytest.mark.parametrize(
    ("codec", "options"),
    [("libx264", {}), ("libx264", {"bf": "3", "g": "5"}), ("mpeg4", {}), ("mpeg4", {"bf": "2"})],
)
def test_order_is_that_of_presentation(tmp_path: Path, codec: str, options: dict[str, str]) -> None:
    """Frames that are coded out of order, and two codecs: frame i shows picture i."""
    levels = [np.full((32, 48, 3), 20 * i + 10, np.uint8) for i in range(12)]
    cut = cut_video(film(tmp_path / "a.mp4", levels, codec=codec, options=options), 12)
    found = [round(float(np.asarray(image).mean())) for image in pictures(cut.files)]
    assert all(abs(level - (20 * i + 10)) < 6 for i, level in enumerate(found)), found


def test_times_are_without_effect(tmp_path: Path) -> None:
    """A variable frame rate: frames are counted, and each shows as often as any other."""
    steady = cut_video(film(tmp_path / "a.mp4", drawn(12), options=LOSSLESS), 4)
    times = [i * i for i in range(12)]
    varying = cut_video(film(tmp_path / "b.mp4", drawn(12), options=LOSSLESS, times=times), 4)
    assert varying.count == 12
    assert varying.files == steady.files


def test_the_count_in_the_file_is_not_believed(tmp_path: Path) -> None:
    """An edit list hides frames at the end: the rule counts those that come out."""
    path = film(tmp_path / "a.mp4", drawn(16), options={**LOSSLESS, "g": "1"})
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 12
    whole = int.from_bytes(data[entry : entry + 4], "big")
    data[entry : entry + 4] = (whole // 2).to_bytes(4, "big")
    path.write_bytes(data)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames == 16
    cut = cut_video(path, 4)
    shorter = cut_video(film(tmp_path / "b.mp4", drawn(cut.count), options=LOSSLESS), 4)
    assert cut.count < 16
    assert cut.files == shorter.files


@pytest.mark.parametrize("degrees", [90, 180, -90])
def test_a_turned_picture_is_turned(tmp_path: Path, degrees: int) -> None:
    """Telephones write sideways, and say so."""
    picture = np.zeros((32, 64, 3), np.uint8)
    picture[:16, :32] = 255
    plain = cut_video(film(tmp_path / "a.mp4", [picture] * 4, options=LOSSLESS), 4)
    turned = cut_video(
        film(tmp_path / "b.mp4", [picture] * 4, options=LOSSLESS, rotation=degrees), 4
    )
    own = np.asarray(pictures(plain.files)[0]).astype(int)
    found = np.asarray(pictures(turned.files)[0]).astype(int)
    assert (turned.height, turned.width) == found.shape[:2]
    assert np.abs(found - np.rot90(own, degrees // 90)).max() < 8


def test_the_stream_says_its_matrix_and_range(tmp_path: Path) -> None:
    """Green of BT.709 in full range is the green that was filmed, not that of another matrix."""
    green = np.zeros((32, 48, 3), np.uint8)
    green[:] = (30, 200, 60)
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = 1, 2
        y = 0.2126 * 30 + 0.7152 * 200 + 0.0722 * 60
        values = (round(y), round((60 - y) / 1.8556 + 128), round((30 - y) / 1.5748 + 128))
        for i in range(4):
            frame = av.VideoFrame(48, 32, "yuv420p")
            frame.colorspace, frame.color_range, frame.pts = 1, 2, i
            for plane, value in zip(frame.planes, values, strict=True):
                plane.update(bytes([value]) * plane.buffer_size)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = np.asarray(pictures(cut_video(path, 4).files)[0])[10, 10].astype(int)
    assert np.abs(found - (30, 200, 60)).max() <= 3


@pytest.mark.parametrize("form", ["yuv444p", "yuv422p", "yuv420p10le"])
def test_other_planes(tmp_path: Path, form: str) -> None:
    """Whole or half chroma, ten bits: about the picture that was filmed."""
    path = film(tmp_path / "a.mp4", drawn(4), form=form, options=LOSSLESS)
    found = np.asarray(pictures(cut_video(path, 4).files)[0]).astype(float)
    assert np.abs(found - drawn(4)[0]).mean() < 3


def test_gray(tmp_path: Path) -> None:
    """No chroma at all; black is 16, as in every stream that does not say otherwise."""
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"qp": "0"})
        stream.height, stream.width, stream.pix_fmt = 32, 64, "gray"
        for i in range(4):
            frame = av.VideoFrame(64, 32, "gray")
            frame.planes[0].update(bytes([16, 126, 235, 255] * 16 * 32))
            frame.pts = i
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = np.asarray(pictures(cut_video(path, 4).files)[0])
    assert np.abs(found[9, 8:12, 0].astype(int) - (0, 128, 255, 255)).max() <= 8


def test_the_same_video_gives_the_same_bytes(tmp_path: Path) -> None:
    """Bytes, and the digest of the pixels before they became JPEG, for others to compare."""
    path = film(tmp_path / "a.mp4", drawn(9))
    assert cut_video(path, 4) == cut_video(path, 4)
    assert cut_video(path, 4).pixels != cut_video(path, 3).pixels
    tools = made_with()
    assert tools["av"] == av.__version__
    assert set(tools) == {"av", "libavcodec", "libavformat", "pillow", "libjpeg_turbo"}


def test_too_few_frames(tmp_path: Path) -> None:
    """None is shown twice to make up for it."""
    assert reason(film(tmp_path / "a.mp4", drawn(3))) == "has 3 frames where 4 are needed"
    assert reason(film(tmp_path / "b.mp4", drawn(1))) == "has 1 frame where 4 are needed"


def test_files_that_are_no_videos(tmp_path: Path) -> None:
    """Nothing, text, a picture, sound alone, a video without a frame."""
    path = tmp_path / "a.mp4"
    for content in (b"", b"no video\n" * 100, drawn(1)[0].tobytes()):
        path.write_bytes(content)
        assert reason(path).startswith("cannot be opened (")
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=44100)
        for i in range(4):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            frame.sample_rate, frame.pts = 44100, i * 1024
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    assert reason(path) == "has no video stream"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        container.start_encoding()
    assert reason(path) == "has no video stream"


def test_a_file_that_ends_early(tmp_path: Path) -> None:
    """Wherever its frames are cut off, with the index first or last, none is used."""
    for name, options in (("last", {}), ("first", {"movflags": "+faststart"})):
        path = tmp_path / f"{name}.mp4"
        plain = film(tmp_path / "plain.mp4", drawn(40), options={"g": "10"})
        with av.open(str(plain)) as source, av.open(str(path), "w", options=options) as target:
            stream = target.add_stream_from_template(source.streams.video[0])
            for packet in source.demux(video=0):
                if packet.dts is not None:
                    packet.stream = stream
                    target.mux(packet)
        data = path.read_bytes()
        assert cut_video(path, 4).count == 40
        at = data.index(b"mdat") - 4
        frames_end = at + int.from_bytes(data[at : at + 4], "big")
        for end in (len(data) // 3, frames_end * 2 // 3, frames_end - 1):
            path.write_bytes(data[:end])
            assert "ends early" in reason(path) or "cannot be opened" in reason(path)


def test_damage_in_the_middle(tmp_path: Path) -> None:
    """Damage that a decoder would paint over is refused: each version of it paints another way."""
    path = film(tmp_path / "a.mp4", drawn(40, 96, 128))
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    for i in range(start + 2000, start + 3000, 37):
        data[i] ^= 0x55
    path.write_bytes(data)
    assert "is damaged" in reason(path)


def test_samples_that_are_no_luma_and_chroma(tmp_path: Path) -> None:
    """RGB inside H.264 is named and not guessed at."""
    path = film(tmp_path / "a.mp4", drawn(4), codec="libx264rgb", form="rgb24")
    assert "has samples in the form gbrp" in reason(path)


def test_a_playlist_opens_no_other_file(tmp_path: Path) -> None:
    """A text that names other files is no video, whatever it is called."""
    film(tmp_path / "secret.mp4", drawn(8))
    path = tmp_path / "a.mp4"
    lines = ("#EXTM3U", "#EXT-X-TARGETDURATION:1", "#EXTINF:1.0,", str(tmp_path / "secret.mp4"))
    path.write_text("\n".join((*lines, "#EXT-X-ENDLIST", "")))
    assert "cannot be opened" in reason(path)
    path.write_text(f"ffconcat version 1.0\nfile {tmp_path / 'secret.mp4'}\n")
    assert "cannot be opened" in reason(path)


@pytest.fixture(scope="module")
def huge(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video with one frame, larger than any that is allowed."""
    path = tmp_path_factory.mktemp("huge") / "huge.mp4"
    threads = "threads=1:sliced-threads=0:rc-lookahead=0:repeat-headers=1"
    with av.open(str(path), "w") as container:
        options = {"preset": "ultrafast", "x264-params": threads}
        stream = container.add_stream("libx264", rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 9000, 4096, "yuv420p"
        frame = av.VideoFrame(9000, 4096, "yuv420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_frames_that_are_too_large(huge: Path, tmp_path: Path) -> None:
    """Refused before a frame is decoded, also where the file says that they are small."""
    assert MAX_PIXELS < 9000 * 4096
    assert reason(huge) == f"has frames of 9000 x 4096, and {MAX_PIXELS} pixels are the limit"
    small = film(tmp_path / "small.mp4", drawn(8), options={"bf": "0"})
    path = tmp_path / "a.mp4"
    with av.open(str(small)) as first, av.open(str(huge)) as second, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(first.streams.video[0])
        end = 0
        for source in (first, second):
            for packet in source.demux(video=0):
                if packet.dts is None or packet.pts is None:
                    continue
                packet.stream = stream
                packet.pts = packet.dts = end
                end += 512
                out.mux(packet)
    assert "is damaged" in reason(path)


def test_an_interruption_ends_it(tmp_path: Path) -> None:
    """A long video need not end before Ctrl-C does."""
    path = film(tmp_path / "a.mp4", drawn(30))
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 5

    with pytest.raises(VideoInterrupted):
        cut_video(path, 4, stopped)
    assert len(asked) == 6


def test_names_are_no_addresses(tmp_path: Path) -> None:
    """FFmpeg reads protocols and patterns out of names; a data set's names are names."""
    for name in ("a%02d.mp4", "a:b.mp4", "é ü?.mp4", "-i.mp4"):
        assert cut_video(film(tmp_path / name, drawn(5)), 4).count == 5
