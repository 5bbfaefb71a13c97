"""Rows of tables to items, for the layout ``csv`` (SPEC.md, section "Layouts").

In: rows with the cells of the columns that the options name. Out: items, and a fault for each row
that cannot be one.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from biobench._common.reading import OFTEN, note_read
from biobench.data.faults import SHOWN, Faults
from biobench.data.labels import is_id
from biobench.data.layouts.csv_options import CsvOptions
from biobench.data.layouts.layout_items import KeepMissing
from biobench.data.layouts.options import is_usual, join, written_path_fault
from biobench.data.layouts.table import CsvTable, place
from biobench.data.layouts.template import Template
from biobench.data.manifest import Item, Split
from biobench.errors import shown

Cells = Mapping[str, str]
"""Column -> cell, of the columns that an option names."""

MAX_POSITION_DIGITS = 15
LISTED_CELLS = 6


@dataclass(slots=True)
class _MissingImages:
    """A row or clip whose images are not there: the first row and path, and how many."""

    row: int
    path: str
    count: int = 1


@dataclass(slots=True)
class _Subject:
    """A subject, its first row, and the row of each position."""

    name: str
    split: Split
    row: int
    positions: dict[int, int] = field(default_factory=dict)


@dataclass
class RowItems:
    """Collects items, and remembers what no two of them may share.

    keep_missing: keep items whose file is not there (of these subjects, where it names some), and
    list them in ``missing``. A row is known by a number, its line plus the lines of the tables
    before: the name that a message has for it would take more room than its item.
    """

    options: CsvOptions
    is_file: Callable[[str], bool]
    faults: Faults
    keep_missing: KeepMissing
    missing: dict[str, str] = field(default_factory=dict, init=False)
    _missing_images: dict[str | int, _MissingImages] = field(default_factory=dict, init=False)
    _more_missing: set[str | int] = field(default_factory=set, init=False)
    _found: list[Item] = field(default_factory=list, init=False)
    _order: array[int] = field(default_factory=lambda: array("q"), init=False)
    _ids: dict[str, int] = field(default_factory=dict, init=False)
    _paths: dict[str | tuple[str, str], int] = field(default_factory=dict, init=False)
    _subjects: dict[str, _Subject] = field(default_factory=dict, init=False)
    _tables: list[tuple[int, str]] = field(default_factory=list, init=False)
    _rows: int = field(default=0, init=False)
    _filled: dict[Split, tuple[str, ...]] = field(default_factory=dict, init=False)
    _cells: Counter[str] = field(default_factory=Counter, init=False)
    _splits: set[Split] = field(default_factory=set, init=False)
    _labels: set[str] = field(default_factory=set, init=False)

    def __post_init__(self) -> None:
        options = self.options
        for split in options.splits:
            names = [options.label, options.position, *options.paths[split].columns]
            for template in (options.id, options.subject, options.group):
                names += template.columns if template else ()
            number = options.frames.column if options.frames else None
            self._filled[split] = tuple(
                name for name in dict.fromkeys(names) if name is not None and name != number
            )

    def items(self) -> list[Item]:
        """The items; where images have positions, those of a subject in their order."""
        if self.options.position is None:
            return self._found
        order = sorted(range(len(self._found)), key=self._order.__getitem__)
        return [self._found[i] for i in order]

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that an option names, each once, without the one of a frame's number."""
        options = self.options
        names = [options.split_column, options.label, options.position]
        names += [trait.column for trait in options.traits]
        others = (options.id, options.subject, options.group, *options.cluster)
        for template in (*options.paths.values(), *others):
            names += template.columns if template else ()
        number = options.frames.column if options.frames else None
        return tuple(name for name in dict.fromkeys(names) if name is not None and name != number)

    @property
    def of_no_split(self) -> dict[str, int]:
        """Cell of the column of splits that names none -> rows that have it."""
        named = self.options.split_cells
        return {cell: rows for cell, rows in self._cells.items() if cell not in named}

    def add_table(self, table: CsvTable, split: Split | None) -> None:
        """Add the items of a table; ``split`` is None where each row names its own."""
        columns = self.columns
        if self._has_number(table) or not table.has(columns, self.faults):
            return
        self._tables.append((self._rows, table.name))
        first = self._rows
        for count, (line, *row) in enumerate(table.rows(columns), 1):
            if not count % OFTEN:
                note_read(OFTEN, "items")
            cells = dict(zip(columns, row, strict=True))
            own = split
            if self.options.split_column is not None:
                cell = cells[self.options.split_column]
                own = self.options.split_cells.get(cell)
                self._cells[cell] += 1
            if own is not None:
                self._splits.add(own)
                self._add_row(first + line, cells, own)
            self._rows = first + line

    def _place(self, row: int) -> str:
        """Name of a row in a message."""
        first, table = self._tables[bisect_left(self._tables, (row, "")) - 1]
        return place(table, row - first)

    def _fault(self, row: int, what: str) -> None:
        self.faults.add(self._place(row), what)

    def check_missing(self) -> None:
        """Add a fault for each row, or each clip of several rows, whose images are not there."""
        for images in self._missing_images.values():
            what = f"the image is missing: {shown(images.path)}"
            if images.count > 1:
                what = f"{images.count} images are missing, the first is {shown(images.path)}"
            self._fault(images.row, what)
        self.faults.add_unlisted(len(self._more_missing))

    def check_splits(self) -> None:
        """Add a fault for each split that no cell of the column of splits named."""
        if self.options.split_column is None or self.faults.count:
            return
        seen = ", ".join(repr(shown(cell)) for cell in list(self._cells)[:LISTED_CELLS])
        more = ", ..." if len(self._cells) > LISTED_CELLS else ""
        for split in self.options.splits:
            if split not in self._splits:
                named = [c for c, of in self.options.split_cells.items() if of == split]
                self.faults.add(
                    f"split {split}",
                    f"no row has {' or '.join(map(repr, named))} in column "
                    f"{self.options.split_column!r}, which holds {seen}{more}",
                )

    def _has_number(self, table: CsvTable) -> bool:
        """Return whether a table has the column of a frame's number, which is a fault."""
        number = self.options.frames.column if self.options.frames else None
        if number is None or number not in table.columns:
            return False
        self.faults.add(table.name, f"frames/column {number!r} is a column of the table too")
        return True

    def _add_row(self, row: int, cells: Cells, split: Split) -> None:
        options = self.options
        traits = self._traits(row, cells)
        if traits is None:
            return
        if not all(map(cells.__getitem__, self._filled[split])):
            self._refuse_empty(row, cells, split)
            return
        position = self._position(row, cells)
        if position is None:
            return
        subject = self._subject(row, cells, position, split)
        if subject is None:
            return
        label = cells[options.label] if options.label is not None else ""
        if not self._may_be_label(row, label):
            return
        group = self._name(row, "group", options.group, cells) if options.group else ""
        cluster = self._cluster(row, cells, split)
        if group is None or cluster is None:
            return
        for numbered in self._images(cells):
            located = self._locate(row, numbered, split)
            if located is None:
                continue
            path, there = located
            identifier = self._name(row, "id", options.id, numbered) if options.id else path
            if identifier is None or not self._unique(row, identifier, path, group):
                # The other images of the row would say the same.
                break
            if not there and not self._keeps_missing(subject):
                self._lose(row, subject, path)
                continue
            if not there:
                self.missing[identifier] = self._place(row)
            item = Item(identifier, path, label, split, traits, group, subject, cluster)
            self._found.append(item)
            if options.position is not None:
                self._order.append(position)

    def _name(self, row: int, what: str, template: Template, cells: Cells) -> str | None:
        """The text of a template; None, with a fault, where it is empty, which only a part of a
        cell can be: what has no name would be taken for what the layout does not have."""
        name = template.fill(cells)
        if name:
            return name
        columns = " and ".join(map(repr, template.columns))
        self._fault(row, f"the {what} from column {columns} is empty")
        return None

    def _refuse_empty(self, row: int, cells: Cells, split: Split) -> None:
        for column in self._filled[split]:
            if not cells[column]:
                self._fault(row, f"column {column!r} is empty")

    def _lose(self, row: int, subject: str, path: str) -> None:
        """Note that an image is not there, once a clip: ten frames of one would hide nine other
        clips. What a message cannot list takes a number each, since it may be every row."""
        clip = subject if self.options.position is not None and subject else row
        known = self._missing_images.get(clip)
        if known is not None:
            known.count += 1
        elif len(self._missing_images) < SHOWN:
            self._missing_images[clip] = _MissingImages(row, path)
        else:
            self._more_missing.add(clip)

    def _keeps_missing(self, subject: str) -> bool:
        if isinstance(self.keep_missing, bool):
            return self.keep_missing
        return subject in self.keep_missing

    def _may_be_label(self, row: int, label: str) -> bool:
        """Return whether the label is an id, where the layout says that labels are."""
        options = self.options
        if options.label_ids is None or label in self._labels:
            return True
        if label == options.unknown_label or is_id(label, options.label_ids - 1):
            self._labels.add(label)
            return True
        what = f"the label {shown(label)!r} must be an integer from 0 to {options.label_ids - 1}"
        self._fault(row, what)
        return False

    def _images(self, cells: Cells) -> Iterable[Cells]:
        """The cells of each image that the row stands for, in order."""
        frames = self.options.frames
        if frames is None:
            return (cells,)
        numbers = (str(number).zfill(frames.digits) for number in range(1, frames.count + 1))
        return ({**cells, frames.column: number} for number in numbers)

    def _traits(self, row: int, cells: Cells) -> tuple[int, ...] | None:
        """The row's traits; None for a row that is left out or has a fault."""
        traits = self.options.traits
        if not traits:
            return ()
        incomplete = [t for t in traits if not cells[t.column] and "" not in t.values]
        if incomplete and self.options.drop_incomplete:
            return None
        for trait in incomplete:
            self._fault(row, f"column {trait.column!r} is empty")
        for trait in traits:
            cell = cells[trait.column]
            if cell and cell not in trait.values:
                what = f"{shown(cell)!r} of column {trait.column!r} is neither one nor zero"
                self._fault(row, what)
        values = [trait.values.get(cells[trait.column]) for trait in traits]
        known = tuple(value for value in values if value is not None)
        return known if len(known) == len(values) else None

    def _position(self, row: int, cells: Cells) -> int | None:
        column = self.options.position
        if column is None:
            return 0
        cell = cells[column]
        if cell.isascii() and cell.isdigit() and len(cell) <= MAX_POSITION_DIGITS:
            return int(cell)
        self._fault(row, f"{shown(cell)!r} of column {column!r} must be an integer from 0")
        return None

    def _subject(self, row: int, cells: Cells, position: int, split: Split) -> str | None:
        """The subject that the row belongs to, which is of one split and has no two images in one
        position; None, with a fault, where the row cannot be of it. Empty where it has none."""
        if self.options.subject is None:
            return ""
        name = self._name(row, "subject", self.options.subject, cells)
        if name is None:
            return None
        subject = self._subjects.get(name)
        if subject is None:
            subject = self._subjects[name] = _Subject(name, split, row)
        elif subject.split != split:
            there = self._place(subject.row)
            what = f"the subject {shown(name)} is in {split}, and at {there} in {subject.split}"
            self._fault(row, what)
            return None
        # The same object for all rows of a clip: the text of each would take its room again.
        name = subject.name
        if self.options.position is None:
            return name
        other = subject.positions.setdefault(position, row)
        if other != row:
            what = f"position {position} of the subject {shown(name)} is taken at "
            self._fault(row, what + self._place(other))
            return None
        return name

    def _cluster(self, row: int, cells: Cells, split: Split) -> str | None:
        """The cluster of a row that is not in the train split, empty where there is none; None,
        with a fault, where the table has none for it."""
        templates = self.options.cluster
        if not templates or split == "train":
            return ""
        for template in templates:
            if all(map(cells.__getitem__, template.columns)):
                return self._name(row, "cluster", template, cells)
        empty = dict.fromkeys(c for t in templates for c in t.columns if not cells[c])
        names = " and ".join(map(repr, empty))
        word = "columns" if len(empty) > 1 else "column"
        be = "are" if len(empty) > 1 else "is"
        self._fault(row, f"{word} {names} of the cluster {be} empty")
        return None

    def _locate(self, row: int, cells: Cells, split: Split) -> tuple[str, bool] | None:
        """The image's path and whether it is there; None, with a fault, where it can be none."""
        template = self.options.paths[split]
        path = template.fill(cells)
        if not is_usual(path):
            fault = written_path_fault(path)
            if fault:
                self._fault(row, f"the path {shown(path)!r}: {fault}")
                return None
            path = join("", path)
        there = self.is_file(path)
        if not there and self.options.lower:
            lower = join("", template.fill(cells, lower=True))
            if self.is_file(lower):
                return lower, True
        return path, there

    def _unique(self, row: int, identifier: str, path: str, group: str) -> bool:
        if identifier in self._ids:
            other = self._place(self._ids[identifier])
            self._fault(row, f"the id {shown(identifier)} is taken at {other}")
            return False
        self._ids[identifier] = row
        # Two images of one path have one id where the path is the id.
        if self.options.id is None:
            return True
        key = (path, group) if group else path
        if key in self._paths:
            other = self._place(self._paths[key])
            self._fault(row, f"the image {shown(path)} is named at {other} already")
            return False
        self._paths[key] = row
        return True
