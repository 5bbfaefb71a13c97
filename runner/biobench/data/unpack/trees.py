"""The entries of an archive that are meant (SPEC.md, section "Data folders").

In: the parts of entries' names and the archive's ``archive_root``. Out: trees that hold what lies
below that folder, at the archive's top or one folder deeper: publishers pack a folder one day and
the folder that holds it another. Which of the two it is, a stream tells at its end.
"""

from __future__ import annotations

from pathlib import Path

from biobench.data.unpack.archive_error import ArchiveError
from biobench.data.unpack.limits import UnpackLimits
from biobench.data.unpack.tree import Parts, Tree
from biobench.errors import shown


class Trees:
    """Trees below ``raw``, one for each place where the folder ``root`` is found."""

    def __init__(self, raw: Path, limits: UnpackLimits, root: Parts) -> None:
        self.raw = raw
        self.root = root
        self._limits = limits
        self._trees: dict[Parts, Tree] = {}
        self._entries: dict[Parts, int] = {}
        self._others = 0

    def find(self, parts: Parts, *, is_folder: bool) -> tuple[Tree, Parts] | None:
        """The tree of an entry and its place in it; counts those that are not below the root."""
        place = self._place(parts)
        if place is None:
            self._others += not is_folder
            return None
        top, rest = place
        tree = self._trees.get(top)
        if tree is None:
            folder = self.raw / str(len(self._trees))
            folder.mkdir()
            tree = self._trees[top] = Tree(folder, self._limits)
        self._entries[top] = self._entries.get(top, 0) + (not is_folder)
        return tree, rest

    def same(self, tree: Tree, parts: Parts) -> Parts | None:
        """The place of another entry in ``tree``; None where it lies elsewhere."""
        place = self._place(parts)
        return place[1] if place is not None and self._trees.get(place[0]) is tree else None

    def finish(self) -> tuple[Path, int] | None:
        """The folder with what is meant, and how many other entries there are; None where there is
        none.

        Raises:
            ArchiveError: Several folders could be meant.
        """
        for tree in self._trees.values():
            tree.finish()
        found = [top for top, tree in self._trees.items() if any(tree.root.iterdir())]
        if () in found:
            found = [()]
        if len(found) > 1:
            name = "/".join(self.root)
            tops = ", ".join(sorted(shown(top[0]) for top in found)[:10])
            raise ArchiveError(f"the folder {name} lies in several others ({tops})")
        if not found:
            return None
        (top,) = found
        others = self._others + sum(n for other, n in self._entries.items() if other != top)
        return self._trees[top].root, others

    def _place(self, parts: Parts) -> tuple[Parts, Parts] | None:
        count = len(self.root)
        if parts[:count] == self.root:
            return (), parts[count:]
        if parts[1 : count + 1] == self.root:
            return parts[:1], parts[count + 1 :]
        return None
