"""Write an image as one archive whose bytes depend on its layers and configuration alone.

In: layers, uncompressed tar archives; the configuration; names. Out: an archive that holds the
image both as ``docker load`` reads it (manifest.json) and as an OCI image layout
(index.json), so that podman, skopeo, containerd and Apptainer read it too.

Engines write the time of a build into an image, and older ones cannot be told otherwise. The image
is therefore put together here, and two builds of the same files have one id.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

BUFFER = 1 << 20
OCI = "application/vnd.oci.image"


@dataclass(frozen=True)
class Layer:
    """An uncompressed archive of files. ``digest``: SHA-256 in hexadecimal."""

    path: Path
    digest: str
    size: int
    origin: str


@dataclass(frozen=True)
class Image:
    """An image put together: its blobs by digest, and the digests that name it."""

    config: bytes
    manifest: bytes
    layers: tuple[Layer, ...]
    names: tuple[str, ...]

    @property
    def id(self) -> str:
        """What most engines call the image's id: the digest of its configuration."""
        return hashlib.sha256(self.config).hexdigest()

    @property
    def digest(self) -> str:
        """The digest of the manifest, which engines with containerd's store call the id."""
        return hashlib.sha256(self.manifest).hexdigest()


def read_layer(path: Path, origin: str) -> Layer:
    """A layer of a file, with the digest of its bytes."""
    with open(path, "rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    return Layer(path, digest, path.stat().st_size, origin)


def assemble(
    layers: Sequence[Layer], config: dict[str, Any], names: Sequence[str], date: int
) -> Image:
    """Configuration and manifest of an image. ``date``: seconds, the one date that it knows."""
    created = datetime.fromtimestamp(date, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    document = {
        "architecture": "amd64",
        "config": {key: value for key, value in config.items() if value},
        "created": created,
        "history": [{"created": created, "created_by": layer.origin} for layer in layers]
        + [{"created": created, "created_by": "containers/Dockerfile", "empty_layer": True}],
        "os": "linux",
        "rootfs": {"diff_ids": [f"sha256:{layer.digest}" for layer in layers], "type": "layers"},
    }
    raw = canonical(document)
    manifest = {
        "config": described(f"{OCI}.config.v1+json", raw),
        "layers": [
            {
                "digest": f"sha256:{layer.digest}",
                "mediaType": f"{OCI}.layer.v1.tar",
                "size": layer.size,
            }
            for layer in layers
        ],
        "mediaType": f"{OCI}.manifest.v1+json",
        "schemaVersion": 2,
    }
    return Image(raw, canonical(manifest), tuple(layers), tuple(names))


def canonical(value: Any) -> bytes:
    """JSON with sorted names and no white space."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def described(media_type: str, blob: bytes) -> dict[str, Any]:
    """An OCI descriptor."""
    digest = hashlib.sha256(blob).hexdigest()
    return {"digest": f"sha256:{digest}", "mediaType": media_type, "size": len(blob)}


class Hashed(io.RawIOBase):
    """A stream that is hashed as it is written."""

    def __init__(self, stream: IO[bytes]) -> None:
        self.stream = stream
        self.hash = hashlib.sha256()

    def write(self, data: Any) -> int:
        """Pass ``data`` on."""
        self.hash.update(data)
        return self.stream.write(data)


def write_archive(image: Image, stream: IO[bytes], date: int) -> str:
    """Write the archive and return its SHA-256 in hexadecimal."""
    index = {
        "manifests": [
            {
                **described(f"{OCI}.manifest.v1+json", image.manifest),
                "annotations": {
                    "io.containerd.image.name": f"docker.io/library/{name}",
                    "org.opencontainers.image.ref.name": name.partition(":")[2],
                },
            }
            for name in image.names
        ],
        "mediaType": f"{OCI}.index.v1+json",
        "schemaVersion": 2,
    }
    legacy = [
        {
            "Config": f"blobs/sha256/{image.id}",
            "Layers": [f"blobs/sha256/{layer.digest}" for layer in image.layers],
            "RepoTags": list(image.names),
        }
    ]
    files: dict[str, bytes | Layer] = {
        "oci-layout": canonical({"imageLayoutVersion": "1.0.0"}),
        "index.json": canonical(index),
        "manifest.json": canonical(legacy),
        f"blobs/sha256/{image.id}": image.config,
        f"blobs/sha256/{image.digest}": image.manifest,
        **{f"blobs/sha256/{layer.digest}": layer for layer in image.layers},
    }
    hashed = Hashed(stream)
    with tarfile.open(
        fileobj=hashed, mode="w|", format=tarfile.PAX_FORMAT, bufsize=BUFFER
    ) as archive:
        archive.copybufsize = BUFFER  # type: ignore[attr-defined] # not in the stub
        for folder in ("blobs", "blobs/sha256"):
            archive.addfile(entry(folder, 0o755, date, tarfile.DIRTYPE))
        for name, content in files.items():
            member = entry(name, 0o644, date)
            if isinstance(content, Layer):
                member.size = content.size
                with open(content.path, "rb") as blob:
                    archive.addfile(member, blob)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
    return hashed.hash.hexdigest()


def entry(name: str, mode: int, date: int, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    """An entry of the archive, root's."""
    made = tarfile.TarInfo(name)
    made.mode, made.mtime, made.type = mode, date, kind
    return made
