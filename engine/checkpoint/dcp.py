"""How torch.distributed.checkpoint gets at its files: digested as they are written, and read without running code."""

import hashlib
import json
import os
import pickle
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch.distributed.checkpoint.filesystem import FileSystem, FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.metadata import Metadata

from engine.checkpoint.file import damaged
from engine.checkpoint.resolve import sharded_folders
from utils.errors import InputError
from utils.files import sha256_of, sync_folder, write_atomic

SCHEMA = 1
_DIGESTS = "digests.json"


class Writer(FileSystemWriter):
    """Writes as torch does, and lets nobody see the result before it was read back."""

    def __init__(self, partial: Path, final: Path) -> None:
        super().__init__(partial, overwrite=False)
        self.partial, self.final = partial, final
        self.fs = self.files = _HashedFiles()

    def write_data(self, plan: Any, planner: Any) -> Any:
        """Write this rank's tensors, and the digests of what was meant to be written."""
        written = super().write_data(plan, planner)
        write_atomic(self.partial / f"{plan.storage_data.prefix}{_DIGESTS}", json.dumps(self.files.digests()))
        return written

    def finish(self, metadata: Metadata, results: Any) -> None:
        """On one rank, when all have written: compare, describe, rename."""
        super().finish(metadata, results)
        meant: dict[str, str] = {}
        for path in self.partial.glob(f"*{_DIGESTS}"):
            meant |= json.loads(path.read_text(encoding="utf-8"))
            path.unlink()
        meant |= {".metadata": self.files.digests()[".metadata.tmp"]}
        files = {path.name: sha256_of(path) for path in sorted(self.partial.iterdir())}
        if any(files.get(name) != digest for name, digest in meant.items()):
            raise OSError("what was read back is not what was written; check the disk")
        write_atomic(self.partial / "manifest.json", json.dumps({"schema": SCHEMA, "files": files}, indent=2))
        older = [path for path in sharded_folders(self.final.parent) if path != self.final]
        if not self.final.exists():  # else the same step was saved already
            os.rename(self.partial, self.final)
            sync_folder(self.final.parent)
        for path in (self.partial, *older):
            shutil.rmtree(path, ignore_errors=True)


class _HashedFiles(FileSystem):
    """Files whose bytes are digested on their way to the disk."""

    def __init__(self) -> None:
        self._sums: dict[str, Any] = {}

    def digests(self) -> dict[str, str]:
        """File name to SHA-256, of those written so far."""
        return {name: each.hexdigest() for name, each in self._sums.items()}

    @contextmanager
    def create_stream(self, path: Any, mode: str) -> Iterator[Any]:
        """Open a file."""
        with super().create_stream(path, mode) as stream:
            file = _Digesting(stream, self._sums.setdefault(Path(path).name, hashlib.sha256()))
            yield file
            if file.error is not None:
                raise file.error


class _Digesting:
    """A file that is written from its beginning to its end.

    An error is kept until the end: torch's writer can abort the process where a file object fails.
    """

    def __init__(self, file: Any, digest: Any) -> None:
        self._file, self._digest = file, digest
        self.error: OSError | None = None

    def write(self, data: Any) -> int:
        self._digest.update(data)
        try:
            self._file.write(data)
        except OSError as error:
            self.error = self.error or error
        return len(data)

    def fileno(self) -> int:
        self._file.flush()  # torch asks for it to have the file synced
        return int(self._file.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


class Reader(FileSystemReader):
    """Reads as torch does, but for `.metadata`, which torch would unpickle with whatever code it names."""

    def read_metadata(self, *_: Any, **__: Any) -> Metadata:
        """Where each tensor lies.

        Raises:
            InputError: The file names anything but plain descriptions of tensors.
        """
        path = Path(self.path)
        with (path / ".metadata").open("rb") as file:
            try:
                metadata = _Descriptions(file).load()
            except pickle.UnpicklingError:
                raise InputError(f"checkpoint {path} holds more than tensors and was refused") from None
        if not isinstance(metadata, Metadata) or metadata.storage_meta is None:
            raise damaged(path)
        for info in (metadata.storage_data or {}).values():
            if not re.fullmatch(r"__\d+_\d+\.distcp", info.relative_path) or info.transform_descriptors:
                raise InputError(f"checkpoint {path} points outside itself and was refused")
        metadata.storage_meta.load_id = self.load_id
        return metadata


class _Descriptions(pickle.Unpickler):
    """Knows the classes of which torch makes the description of tensors in files, and no others.

    Among those left out is the one for objects that are not tensors, which torch would unpickle in turn.
    """

    _KNOWN = {  # noqa: RUF012  # never changed
        "torch.distributed.checkpoint.metadata": {
            "Metadata",
            "MetadataIndex",
            "TensorStorageMetadata",
            "TensorProperties",
            "ChunkStorageMetadata",
            "StorageMeta",
            "_MEM_FORMAT_ENCODING",
        },
        "torch.distributed.checkpoint.filesystem": {"_StorageInfo"},
        "torch.serialization": {"_get_layout"},
        "torch": {
            *("Size", "float64", "float32", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "bool")
        },
        "pathlib": {"PosixPath"},
    }

    def find_class(self, module: str, name: str) -> Any:
        """The class, if it is one of those."""
        if name not in self._KNOWN.get(module, ()):
            raise pickle.UnpicklingError(f"{module}.{name}")
        return super().find_class(module, name)
