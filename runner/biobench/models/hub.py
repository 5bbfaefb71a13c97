"""Files of a hub repository, from the network or from the hub's cache, of one commit.

In: a repository and a revision. Out: the folder of one snapshot; everything is then loaded as from
a local folder. Nothing here runs a repository's code.
"""

from __future__ import annotations

import hashlib
import logging
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from biobench._common.files import open_regular
from biobench._common.proxies import require_proxies
from biobench.errors import ModelError
from biobench.models.module_backbone import WeightsOrigin, described
from biobench.models.names import states_revision

if TYPE_CHECKING:
    from biobench.models.names import ModelName

CARD_BYTES = 1 << 16
"""Bytes of a model card's beginning, which has its licence."""
CONFIGURATIONS = (
    "config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "open_clip_config.json",
    "README.md",
)
# Best first; the pickled forms are read with ``weights_only``.
TRANSFORMERS_WEIGHTS = (
    ("model.safetensors", "model-*.safetensors", "model.safetensors.index.json"),
    ("pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json"),
)
TIMM_WEIGHTS = (("model.safetensors",), ("pytorch_model.bin",))
OPEN_CLIP_WEIGHTS = (
    ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors"),
    ("open_clip_pytorch_model.bin",),
)
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 30.0
UNREACHABLE = "the hub cannot be reached"
OFFLINE = "offline"


@dataclass(frozen=True)
class Snapshot:
    """One commit of a repository on disk.

    Attributes:
        folder: Folder of the snapshot.
        commit: Its 40-digit hash.
        pinned: True where that commit was asked for in full; a branch or a tag can move.
    """

    folder: Path
    commit: str
    pinned: bool

    def origin(self, licence: str | None = None) -> WeightsOrigin:
        """Provenance: the commit, with the model card's licence unless one is given."""
        return WeightsOrigin("hub", self.commit, licence or card_licence(self.folder), self.pinned)


def snapshot(
    name: ModelName,
    repository: str,
    revision: str | None,
    *,
    offline: bool,
    weights: Sequence[Sequence[str]] = (),
) -> Snapshot:
    """Get the snapshot of ``repository`` with its configurations and the best of ``weights``.

    Offline, or where the network is down, the cache is used.

    Args:
        name: The parsed name, for messages.
        repository: ``OWNER/NAME``.
        revision: Branch, tag or commit; None for the default branch.
        offline: Never ask the network.
        weights: Groups of file patterns, best first; the first group with a file is fetched and the
            rest is left out.

    Raises:
        ModelError: The repository, the revision or the network is not available.
    """
    absent = absent_because(offline=offline)
    found = _fetch(name, repository, revision, list(CONFIGURATIONS), absent)
    for patterns in weights:
        # The commit, so that a push between two calls cannot mix two revisions.
        _fetch(name, repository, found.commit, list(patterns), absent)
        if any(next(found.folder.glob(pattern), None) for pattern in patterns):
            break
    return found


def _fetch(
    name: ModelName,
    repository: str,
    revision: str | None,
    patterns: list[str],
    absent: str | None,
) -> Snapshot:
    """Fetch files of a repository; ``absent`` is the reason why only the cache is asked, else
    None."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    where = f"model {name.given!r}"
    folder_hint = f"give a local folder: {name.loader}:./folder"
    reach_hint = folder_hint if absent == OFFLINE else f"{_proxy_hint()}{folder_hint}"
    at = f" at revision {revision}" if revision else ""
    try:
        with quiet("huggingface_hub"):
            folder = Path(
                snapshot_download(
                    repository,
                    revision=revision,
                    allow_patterns=patterns,
                    local_files_only=absent is not None,
                    etag_timeout=CONNECT_SECONDS,
                )
            )
    except LocalEntryNotFoundError as error:
        raise ModelError(
            f"{repository}{at} is not in the hub's cache and {absent or UNREACHABLE}",
            where=where,
            remedy=f"connect to the network once, or {reach_hint}",
        ) from error
    except GatedRepoError as error:
        raise ModelError(
            f"{repository} is gated",
            where=where,
            remedy=f"accept its terms on the hub and log in, or {folder_hint}",
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(
            f"{repository} has no revision {revision}",
            where=where,
            remedy="give a branch, a tag or a commit of it after @",
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"the hub has no repository {repository}, or not for you",
            where=where,
            remedy=f"check the name, or {folder_hint}",
        ) from error
    except Exception as error:  # also of the client below the hub's library, whichever it is
        raise ModelError(
            f"{repository} cannot be fetched: {described(error)}", where=where, remedy=reach_hint
        ) from error
    return Snapshot(folder, folder.name, states_revision(name, "hub", folder.name))


def _proxy_hint() -> str:
    """A hint to the proxies that the environment names; not their values, which may hold
    passwords."""
    names = sorted(f"{scheme}_proxy" for scheme in getproxies() if scheme != "no")
    return f"check the proxy of the environment ({', '.join(names)}), or " if names else ""


def absent_because(*, offline: bool) -> str | None:
    """The reason why the hub is not asked, None where it is."""
    if offline or _hub_is_offline():
        return OFFLINE
    return None if _hub_answers() else UNREACHABLE


def _hub_is_offline() -> bool:
    from huggingface_hub import is_offline_mode

    return bool(is_offline_mode())


def _hub_answers() -> bool:
    """True where the hub accepts a connection, by one attempt: its library makes six of each
    request, with growing pauses, where no name is resolved. With a proxy, which may resolve it, no
    attempt is made."""
    from huggingface_hub import constants

    try:
        endpoint = urlsplit(constants.ENDPOINT)
        host, port = endpoint.hostname or "", endpoint.port
        if {endpoint.scheme, "all"} & set(getproxies()) and not proxy_bypass(host):
            require_proxies()
            return True
        port = port or (443 if endpoint.scheme == "https" else 80)
        socket.create_connection((host, port), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


@contextmanager
def quiet(library: str) -> Iterator[None]:
    """Suppress warnings of a library; what ends a call becomes an error."""
    logger = logging.getLogger(library)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def weights_file(name: ModelName, folder: Path, groups: Sequence[Sequence[str]]) -> Path:
    """The best weights file in ``folder``, compared with its digest in models.yaml.

    Raises:
        ModelError: There is none, or its bytes differ.
    """
    for patterns in groups:
        for pattern in patterns:
            if not pattern.endswith(".json"):
                for path in sorted(folder.glob(pattern)):
                    if path.is_file():
                        check_digest(name, path)
                        return path
    wanted = ", ".join(patterns[0] for patterns in groups)
    raise ModelError(
        f"no weights for model {name.given!r}",
        where=str(folder),
        remedy=f"it needs one of {wanted}",
    )


def check_digest(name: ModelName, path: Path) -> None:
    """Compare a weights file with the digest that models.yaml has of it at the revision asked for.

    Raises:
        ModelError: The bytes differ.
    """
    entry = name.pinned_entry
    wanted = entry.weights_sha256.get(path.name) if entry is not None else None
    if wanted is None:
        return
    with open_regular(path) as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        raise ModelError(
            f"its sha256 is {found}, and models.yaml has {wanted} for {name.given}",
            where=str(path),
            remedy="remove the file and fetch it again",
        )


def check_repository(name: ModelName, repository: str) -> None:
    """Refuse a registry that takes a name's weights from another repository than models.yaml, so
    that a pinned revision is one of the repository that is asked.

    Raises:
        ModelError: The two repositories differ.
    """
    entry = name.entry
    if entry is not None and entry.repository not in (None, repository):
        raise ModelError(
            f"{name.loader} takes it from {repository}, and models.yaml from {entry.repository}",
            where=f"model {name.given!r}",
            remedy=f"give the repository: hf:{entry.repository}",
        )


def card_licence(folder: Path) -> str | None:
    """The licence that the model card in ``folder`` states in its first block, else None."""
    card = folder / "README.md"
    try:
        with open_regular(card) as file:
            text = file.read(CARD_BYTES).decode("utf-8", errors="replace")
    except OSError:
        return None
    block = re.match(r"---\s*\n(.*?)\n---\s*(\n|$)", text, re.DOTALL)
    found = re.search(r"^license:\s*[\"']?([\w.+-]+)[\"']?\s*$", block[1], re.M) if block else None
    return found[1] if found else None
