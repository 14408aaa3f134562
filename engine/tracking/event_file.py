"""Event files as TensorBoard reads them, written without TensorBoard, whose import costs memory and start-up time.

The formats are public: a record (tensorflow/core/lib/io/record_writer.h) holds an `Event`
(tensorflow/core/util/event.proto) with a `Summary` (tensorflow/core/framework/summary.proto), in protobuf's encoding.
Only the fields that a run needs are written; each comment names one by its number.
"""

import math
import os
import socket
import struct
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path


class EventFile:
    """Appends events to a new file in `folder`; each is handed to the system at once.

    Args:
        folder: Where TensorBoard looks; made if it is not there.
        purge_step: The step from which on readers forget what earlier files of the folder say; None keeps all.

    Raises:
        OSError: From here and from every method: the file cannot be written.
    """

    def __init__(self, folder: Path, purge_step: int | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{time.time_ns():020d}.{socket.gethostname()}.{os.getpid()}"  # readers sort by name
        self._file = (folder / name).open("xb", buffering=0)
        self._event(purge_step or 0, _text(3, b"brain.Event:2"))  # Event.file_version
        if purge_step is not None:
            self._event(purge_step, _text(7, _number(1, 1)))  # Event.session_log, SessionLog.status: START

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Show `values` at `step`, all in one event."""
        # Summary.value with Value.tag and Value.simple_value
        shown = [_text(1, _text(1, name.encode()) + _float(2, value)) for name, value in values.items()]
        self._event(step, _text(5, b"".join(shown)))  # Event.summary

    def picture(self, name: str, png: bytes, step: int) -> None:
        """Show the picture in a PNG file's content under `name`."""
        width, height = struct.unpack(">II", png[16:24])  # its header begins with them
        # Image.height, .width, .colorspace (RGB), .encoded_image_string
        image = _number(1, height) + _number(2, width) + _number(3, 3) + _text(4, png)
        self._event(step, _text(5, _text(1, _text(1, name.encode()) + _text(4, image))))  # Value.image

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _event(self, step: int, what: bytes) -> None:
        event = b"\x09" + struct.pack("<d", time.time()) + _number(2, step) + what  # Event.wall_time, Event.step
        length = struct.pack("<Q", len(event))
        record = memoryview(length + _checksum(length) + event + _checksum(event))
        while record:  # a disk that is nearly full takes a part before it refuses
            record = record[self._file.write(record) :]


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _text(field: int, value: bytes) -> bytes:
    """Text, bytes or a message within a message."""
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _float(field: int, value: float) -> bytes:
    """In 32 bits; what is too large for them is infinite there."""
    try:
        return _varint(field << 3 | 5) + struct.pack("<f", value)
    except OverflowError:
        return _varint(field << 3 | 5) + struct.pack("<f", math.copysign(math.inf, value))


def _checksum(content: bytes) -> bytes:
    """CRC-32C (Castagnoli), rotated and shifted by a constant as the format of records has it."""
    table, crc = _table(), 0xFFFFFFFF
    for byte in content:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)


@cache
def _table() -> tuple[int, ...]:
    """What each byte does to the checksum: the polynomial of CRC-32C, bits reversed."""
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 if byte & 1 else byte >> 1
        table.append(byte)
    return tuple(table)
