"""Comparison of an entry of models.yaml with the hub (docs/models.md, "Revisions").

In: a name's entry. Out: each fact of it that a hub can give, beside what the hub says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from biobench.errors import ModelError
from biobench.models import hub
from biobench.models.module_backbone import described
from biobench.models.names import parse_name

if TYPE_CHECKING:
    from biobench.models.names import ModelName
    from biobench.spec.documents import ModelEntry


@dataclass(frozen=True)
class Fact:
    """One line of a comparison.

    Attributes:
        what: The field of the entry.
        listed: Its value in models.yaml, None where it is not known there.
        found: Its value at the hub, None where the hub has none.
        agrees: True where they are equal; None where one of them is not known.
    """

    what: str
    listed: str | None
    found: str | None
    agrees: bool | None


def compare(name: str, entries: Mapping[str, ModelEntry]) -> list[Fact]:
    """Ask the hub about an entry: the repository, the revision, digests of weights, the licence.

    Raises:
        ModelError: The name has no entry or its weights come from a package, or the hub does not
            answer.
    """
    parsed = parse_name(name, entries)
    entry = parsed.entry
    if entry is None or entry.repository is None:
        raise ModelError(
            "has no repository in models.yaml to compare with",
            where=f"model {name!r}",
            remedy="give a name of `biobench models list` whose weights a hub has",
        )
    head = _ask(parsed, entry.repository, None)
    facts = [Fact("repository", entry.repository, str(head.id), entry.repository == head.id)]
    if entry.revision is None:
        facts.append(Fact("revision", None, str(head.sha), None))
        return facts
    there = _ask(parsed, entry.repository, entry.revision, missing=True)
    if there is None:
        return [*facts, Fact("revision", entry.revision, None, False)]
    facts.append(Fact("revision", entry.revision, str(there.sha), there.sha == entry.revision))
    facts.append(Fact("head of the repository", None, str(head.sha), None))
    stored = {file.rfilename: file.lfs for file in there.siblings or ()}
    for file, listed in entry.weights_sha256.items():
        found = stored[file].sha256 if stored.get(file) is not None else None
        facts.append(Fact(f"sha256 of {file}", listed, found, found == listed))
    licence = getattr(there.card_data, "license", None) if there.card_data else None
    written = str(licence) if licence else None
    agrees = None
    if entry.licence is not None and written is not None:
        # A card's `other` only means that the text of the licence is a file beside it.
        agrees = None if written == "other" else entry.licence.lower() == written.lower()
    return [*facts, Fact("licence", entry.licence, written, agrees)]


def _ask(name: ModelName, repository: str, revision: str | None, *, missing: bool = False) -> Any:
    """Ask the hub for a repository at a revision.

    None for a revision that does not exist, where ``missing`` allows that. Raises ModelError.
    """
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    where = f"model {name.given!r}"
    if hub.absent_because(offline=False) is not None:
        raise ModelError(
            f"{hub.absent_because(offline=False)}, so nothing was compared",
            where=where,
            remedy="connect to the network, or set HF_ENDPOINT to a hub that answers",
        )
    try:
        api = HfApi(endpoint=constants.ENDPOINT)
        return api.model_info(
            repository, revision=revision, files_metadata=True, timeout=hub.ANSWER_SECONDS
        )
    except RevisionNotFoundError as error:
        if missing:
            return None
        raise ModelError(
            f"{repository} has no revision {revision}",
            where=where,
            remedy="give a branch, a tag or a commit of it after @",
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"the hub has no repository {repository}, or not for you",
            where=where,
            remedy="correct the name, or log in to the hub with an account that may read it",
        ) from error
    except Exception as error:  # also of the client below the hub's library, whichever it is
        raise ModelError(
            f"the hub's answer cannot be read: {described(error)}",
            where=where,
            remedy="try again later, or set HF_ENDPOINT to a hub that answers",
        ) from error
