"""Pictures of every kind become the numbers that a model knows, or one line that says why not."""

import base64
import io
import struct
import time
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from PIL import Image

from inference.examples import to_tensor
from inference.pictures import MOST_PIXELS
from tests.doubles.bench import ROOT
from tests.doubles.scripts import call
from tests.support.descriptions import described
from utils.errors import InputError

GREY, COLOUR = described((1, 4, 6)), described((3, 4, 6), low=(-1.0, 0.0, 0.0), high=(1.0, 2.0, 1.0))
MODES = {
    "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "JPEG": ["L", "RGB", "CMYK"],
    "BMP": ["1", "L", "P", "RGB"],
}
KINDS = [(form, mode) for form, modes in MODES.items() for mode in modes] + [("WEBP", "RGB"), ("WEBP", "RGBA")]


def file(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, form, **options)
    return content.getvalue()


def plain(mode: str, size: tuple[int, int], white: bool) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.full(size[::-1], 65535 * white, dtype=np.uint16))
    return Image.new("RGB", size, "white" if white else "black").convert(mode)


def read(content: bytes | str, data: Any = GREY) -> np.ndarray:
    return to_tensor([content], data)[0].numpy()


def refusal(content: bytes | str, data: Any = GREY) -> str:
    with pytest.raises(InputError) as refused:
        read(content, data)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(("form", "mode"), KINDS)
@pytest.mark.parametrize("size", [(1, 1), (6, 4), (31, 17)])
def test_white_is_the_largest_value_and_black_the_smallest(form: str, mode: str, size: tuple[int, int]) -> None:
    for white in (True, False):
        content = file(plain(mode, size, white), form)
        assert np.allclose(read(content), float(white), atol=0.02)
        ends = np.array([1.0, 2.0, 1.0] if white else [-1.0, 0.0, 0.0])
        assert np.allclose(read(content, COLOUR), ends[:, None, None], atol=0.04)


def test_a_picture_of_the_right_size_keeps_its_pixels() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    content = file(Image.fromarray(pixels))
    assert np.allclose(read(content)[0], pixels / 255)
    assert np.array_equal(read(base64.b64encode(content).decode()), read(content))


def test_what_is_transparent_is_black() -> None:
    assert read(file(Image.new("RGBA", (6, 4), (255, 255, 255, 0)))).max() == 0
    assert np.allclose(read(file(Image.new("LA", (6, 4), (255, 128)))), 128 / 255, atol=0.01)
    assert read(file(Image.new("P", (6, 4), 0), transparency=0)).max() == 0


def test_a_photograph_is_turned_upright() -> None:
    pixels = np.zeros((6, 4), dtype=np.uint8)
    pixels[:, 0] = 255  # on the left, on its side
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    assert read(file(Image.fromarray(pixels), exif=exif))[0, 0].min() == 1


@given(some.binary(max_size=60))
def test_exif_data_that_is_nonsense_is_ignored(nonsense: bytes) -> None:
    assert read(file(plain("RGB", (6, 4), white=True), "JPEG", exif=b"Exif\0\0" + nonsense)).min() > 0.98


@given(some.binary(max_size=200), some.sampled_from([b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"RIFF"]))
def test_bytes_that_are_no_picture_are_refused_in_a_line(garbage: bytes, start: bytes) -> None:
    assert "this is no picture that can be read; known: PNG, JPEG, BMP, WEBP" in refusal(start + garbage)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "BMP", "WEBP"])
def test_half_a_picture_is_refused(form: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    content = file(Image.fromarray(noise), form)
    assert "no picture that can be read" in refusal(content[: len(content) // 2])


def png(width: int, height: int, data: bytes, frames: int | None = None) -> bytes:
    """A PNG whose header says what it likes, animated where it has a number of frames."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    animation = b"" if frames is None else chunk(b"acTL", struct.pack(">II", frames, 0))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + animation + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize(("width", "height"), [(2001, 2000), (60_000, 60_000), (2**31 - 1, 2**31 - 1), (1, 2**31 - 1)])
def test_too_many_pixels_are_refused_before_they_are_unpacked(width: int, height: int) -> None:
    bomb = zlib.compress(bytes(10_000_000))
    assert f"the picture has {width} x {height} pixels, more than {MOST_PIXELS} in all" in refusal(
        png(width, height, bomb)
    )


def test_a_small_picture_with_much_behind_it_is_read_or_refused() -> None:
    bomb = zlib.compress(bytes(50_000_000))
    assert read(png(6, 4, bomb)).max() == 0


def test_what_pillow_muses_about_a_file_is_not_printed(tmp_path: Path) -> None:
    (tmp_path / "odd.png").write_bytes(png(6, 4, zlib.compress(bytes(28)), frames=0))
    script = """
import sys
from pathlib import Path
from inference.pictures import read_picture
from tests.support.descriptions import described
print(read_picture(Path(sys.argv[1]).read_bytes(), described((1, 4, 6))).max())
"""
    ended = call("-c", script, tmp_path / "odd.png", cwd=ROOT)
    assert (ended.code, ended.stdout, ended.stderr) == (0, "0.0\n", "")


def test_formats_that_are_not_asked_for_are_not_read() -> None:
    for form in ("GIF", "TIFF", "PPM"):
        assert "no picture that can be read" in refusal(file(plain("RGB", (6, 4), white=True), form))


@pytest.mark.parametrize("text", ["", "hello", "AAA", "data:image/png;base64,AAAA", "é", "=" * 9, "AA AA"])
def test_text_that_holds_no_picture_is_refused(text: str) -> None:
    assert "base64" in refusal(text) or "no picture that can be read" in refusal(text)


def test_a_model_with_other_channels_takes_no_pictures() -> None:
    assert "this model takes 2" in refusal(file(plain("RGB", (6, 4), white=True)), described((2, 4, 6)))


# ---- what would take long -------------------------------------------------------------------------------------------


def with_scans(scans: int) -> bytes:
    """A progressive JPEG with so many scans more than Pillow writes, each of a few bytes and over all pixels."""
    whole = file(Image.new("L", (64, 64)), "JPEG", progressive=True)
    table = b"\xff\xc4" + struct.pack(">H", 20) + bytes([0x10, 1, *[0] * 15, 0x00])
    scan = b"\xff\xda" + struct.pack(">H", 8) + bytes([1, 1, 0, 1, 63, 0]) + b"\x00" * 8
    return whole[:-2] + table + scan * scans + whole[-2:]


def test_a_jpeg_of_many_scans_is_refused_before_it_is_decoded() -> None:
    assert read(with_scans(5)).shape == (1, 4, 6)
    started = time.perf_counter()
    assert "scans" in refusal(with_scans(100_000))
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
def test_an_animation_is_refused(form: str) -> None:
    first, second = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (8, 8), "blue")
    assert "2 frames" in refusal(file(first, form, save_all=True, append_images=[second]))


def test_the_second_picture_in_a_jpeg_of_a_phone_is_not_looked_at() -> None:
    first, second = Image.new("RGB", (8, 8), "white"), Image.new("RGB", (8, 8), "black")
    assert np.allclose(read(file(first, "MPO", save_all=True, append_images=[second])), 1, atol=0.02)


def test_a_compressed_bmp_is_refused() -> None:
    lines = b"\0\0" * 2_000_000  # ends of lines, which Pillow would go through one by one
    sizes = struct.pack("<IiiHHIIiiII", 40, 2000, 2000, 1, 8, 1, len(lines), 0, 0, 256, 0)
    content = b"BM" + struct.pack("<IHHI", 0, 0, 0, 54 + 1024) + sizes + bytes(1024) + lines
    assert "compressed" in refusal(content)


# ---- depth, transparency, orientation --------------------------------------------------------------------------------


def grey_png(
    bits: int, values: tuple[int, int], transparent: int | None = None, orientation: int | None = None
) -> bytes:
    """A PNG of 2 x 1 pixels with samples of so many bits."""
    if bits == 16:
        row = struct.pack(">2H", *values)
    else:
        row = bytes([values[0] << (8 - bits) | values[1] << (8 - 2 * bits)] if bits < 8 else values)
    exif = Image.Exif()
    exif[0x0112] = orientation or 1
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 2, 1, bits, 0, 0, 0, 0))]
    chunks += [(b"tRNS", struct.pack(">H", transparent))] if transparent is not None else []
    chunks += [(b"eXIf", exif.tobytes().removeprefix(b"Exif\0\0"))] if orientation else []
    chunks += [(b"IDAT", zlib.compress(b"\0" + row)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("transparent", [False, True])
@pytest.mark.parametrize("orientation", [None, 3])
def test_depth_transparency_and_orientation_go_together(bits: int, transparent: bool, orientation: int | None) -> None:
    white = 2**bits - 1
    content = grey_png(bits, (white, 0), white if transparent else None, orientation)
    left, right = read(content, described((1, 1, 2)))[0, 0]
    expected = (0.0, 0.0) if transparent else ((0.0, 1.0) if orientation == 3 else (1.0, 0.0))
    assert (left, right) == pytest.approx(expected, abs=0.01)
