"""The demo data sets that are tables of text: rows, names of files, and the faults that real tables
have (traits that nobody knows, upper case that the files lack, clips that are too short)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from demo import camera_trap, clips, encode, fish, fungi
from demo.draws import Draws
from demo.file import File, class_sizes

FISH = {"train": (160, 14), "test": (84, 8)}
"""Rows of each table, and further rows that lack a trait."""
FUNGI_TRAIN = (38, 32, 27, 23, 20, 17, 15, 13, 11, 9, 7, 6)
FUNGI_TEST = 6
STRANGE = 5
"""Observations of each known and of each unknown species."""
TRAP_TRAIN = (46, 36, 30, 24, 20, 16, 13, 10, 8)
TRAP_TEST = (16, 14, 12, 11, 10, 9, 8, 7, 6)
BEHAVIOURS = {0: "walk", 1: "graze", 3: "head up", 6: "run"}
HEAD_UP = 3
CLIP, LONG = 16, 33
"""Frames that the view takes of a clip, and frames of one clip of each table that has more."""
DRONE = {
    "train": ((0, 5), (1, 6), (3, 4), (6, 3)),
    "val": ((0, 5), (1, 5), (3, 4), (6, 3)),
}
"""Clips of each behaviour; each table has one more that is too short."""
MAMMAL_BEHAVIOURS = {2: "eats", 4: "walks", 7: "grooms"}
MAMMALS = {
    "train": ((2, (11, 27, 58, 90, 133)), (4, (27, 58)), (7, (27, 58))),
    "test": ((2, (27, 58, 11, 133)), (4, (27, 58, 90, 11)), (7, (27, 58, 90, 133))),
}
"""Species of the clips of each behaviour; some test clips pair the two as no train clip does."""
FRAMES = 32


def _table(path: str, rows: Sequence[Sequence[object]], delimiter: str = ",") -> File:
    text = "".join(delimiter.join(str(cell) for cell in row) + "\n" for row in rows)
    return File(path, text.encode)


def _shuffled(name: str, rows: list[list[object]]) -> list[list[object]]:
    return [rows[k] for k in Draws(f"{name}/order").shuffled(len(rows))]


def fishnet() -> Iterator[File]:
    """Traits of fish; one row in twelve lacks one, one file name in six is an address."""
    columns = ["FeedingPath", *fish.ZONES, *fish.WATERS]
    species = [fish.make_fish(k) for k in range(fish.SPECIES)]
    for split, (complete, incomplete) in FISH.items():
        rows: list[list[object]] = []
        for i in range(complete + incomplete):
            stream = f"fishnet/{split}/{i}"
            draws = Draws(f"{stream}/row")
            # Some species are photographed more often than others, most not in both tables.
            kind = species[min(draws.integer(0, len(species) - 1), draws.integer(0, 120))]
            name = f"{kind.name.replace(' ', '_')}_{split[:2]}{i:03}.jpg"
            traits: list[object] = ["pelagic" if kind.pelagic else "benthic"]
            traits += [int(zone in kind.zones) for zone in fish.ZONES]
            traits += [int(water in kind.waters) for water in fish.WATERS]
            if i >= complete:
                traits[draws.integer(0, len(traits) - 1)] = ""
            cell = f"https://example.org/photographs/{name}" if draws.chance(1 / 6) else name
            rows.append([cell, kind.family, kind.name, kind.name.split()[0], *traits])

            def draw(kind: fish.Fish = kind, stream: str = stream) -> bytes:
                picture = fish.draw_fish(kind, Draws(stream))
                return encode.jpeg(picture, Draws(f"{stream}/file"), quality=74)

            yield File(f"demo-fishnet/Image_Library/{kind.family}/{name}", draw)
        header = ["image", "Folder", "species", "Genus", *columns]
        rows = _shuffled(f"fishnet/{split}", rows)
        yield _table(f"demo-fishnet/{split}.csv", [header, *rows])


def fungiclef() -> Iterator[File]:
    """Observations of fungi, of one to three pictures; the test table has unknown species."""
    known = list(fungi.SPECIES)
    plan = {
        "train": ("DF20_300", class_sizes("fungiclef", known, FUNGI_TRAIN)),
        "val": (
            "DF21_300",
            dict.fromkeys(known, FUNGI_TEST) | dict.fromkeys(fungi.STRANGERS, STRANGE),
        ),
    }
    observation = 2_200_000_000
    for split, (folder, sizes) in plan.items():
        rows: list[list[object]] = []
        for species, count in sizes.items():
            taken = number = 0
            # Train is counted in pictures, test in observations.
            while (taken if split == "train" else number) < count:
                place = f"fungiclef/{split}/{species}/{number}"
                draws = Draws(f"{place}/row")
                observation += draws.integer(7, 900)
                pictures = draws.choice((1, 1, 2, 2, 3) if split == "val" else (1, 1, 1, 2))
                month, habitat = draws.integer(6, 11), draws.choice(("Mixed woodland", "roadside"))
                for i in range(min(pictures, count - taken) if split == "train" else pictures):
                    stream = f"{place}/{i}"
                    stem = f"{observation}-{draws.integer(10_000, 99_999)}"
                    cell = f"{stem}.JPG" if draws.chance(0.2) else f"{stem}.jpg"
                    label = species if isinstance(species, int) else -1
                    rows.append([observation, label, month, habitat, cell])
                    taken += 1

                    def draw(
                        species: int | str = species, place: str = place, stream: str = stream
                    ) -> bytes:
                        floor = Draws(f"{place}/floor")
                        picture = fungi.draw_fungus(species, floor, Draws(stream))
                        return encode.jpeg(picture, Draws(f"{stream}/file"), quality=72)

                    yield File(f"demo-fungiclef/{folder}/{stem}.jpg", draw)
                number += 1
        header = ["observationID", "class_id", "month", "Habitat", "image_path"]
        rows = _shuffled(f"fungiclef/{split}", rows)
        name = f"FungiCLEF2023_{split}_metadata_PRODUCTION.csv"
        yield _table(f"demo-fungiclef/{name}", [header, *rows])
    listed = [[k, int(k in fungi.POISONOUS)] for k in range(max(known) + 1)]
    yield _table("demo-fungiclef/poison_status_list.csv", [["class_id", "poisonous"], *listed])


def iwildcam() -> Iterator[File]:
    """Camera traps: train and test have other places; two splits are there and are not used."""
    kinds = [camera_trap.EMPTY, *camera_trap.BUILDS, camera_trap.FOWL]
    plan = {
        "train": (range(8), class_sizes("iwildcam/train", kinds, TRAP_TRAIN)),
        # Nobody has seen a tortoise in training.
        "test": (
            range(8, 12),
            class_sizes("iwildcam/test", kinds, TRAP_TEST) | {camera_trap.TORTOISE: 4},
        ),
        "val": (range(12, 14), {2: 2, camera_trap.EMPTY: 2}),
        "id_val": (range(8), {13: 2, 5: 2}),
    }
    rows: list[list[object]] = []
    for split, (places, sizes) in plan.items():
        for kind, count in sizes.items():
            for i in range(count):
                stream = f"iwildcam/{split}/{kind}/{i}"
                draws = Draws(f"{stream}/row")
                location = places[draws.integer(0, len(places) - 1)]
                words = [draws.integer(0, 2**32 - 1) for _ in range(4)]
                code = "".join(f"{word:08x}" for word in words)
                name = f"{code[:8]}-{code[8:12]}-11ea-{code[12:16]}-{code[16:28]}"
                day = f"2013-0{draws.integer(1, 9)}-{draws.integer(10, 28)}"
                when = f"{day} {draws.integer(10, 23)}:00"
                rows.append([split, location, when, kind, f"{name}.jpg"])

                def draw(kind: int = kind, location: int = location, stream: str = stream) -> bytes:
                    picture = camera_trap.draw_trap(kind, str(location), Draws(stream))
                    return encode.jpeg(picture, Draws(f"{stream}/file"), quality=72)

                yield File(f"demo-iwildcam/train/{name}.jpg", draw)
    header = ["split", "location_remapped", "datetime", "y", "filename"]
    yield _table("demo-iwildcam/metadata.csv", [header, *_shuffled("iwildcam", rows)])


def kabr() -> Iterator[File]:
    """Clips of frames, one row a frame; a clip of each table is shorter than the view wants."""
    for split, counts in DRONE.items():
        planned = [(label, CLIP) for label, count in counts for _ in range(count)]
        planned[0] = (planned[0][0], LONG)
        planned.append((1, CLIP - 5))
        rows: list[list[object]] = []
        for number, k in enumerate(Draws(f"kabr/{split}/order").shuffled(len(planned))):
            label, frames = planned[k]
            clip = f"kabr/{split}/{k}"
            draws = Draws(f"{clip}/row")
            animal = draws.choice(("giraffe", "zebra"))
            if frames == CLIP:
                frames += draws.integer(0, 3)
            folder = f"{animal[0].upper()}{'01'[split == 'val']}{number:03}"
            for frame in range(frames):
                name = f"{folder}/{frame + 1}.jpg"
                shown = clips.looks_up(BEHAVIOURS[label], frame, Draws(f"{clip}/pose"))
                rows.append([folder, number, frame, name, HEAD_UP if shown else label])

                def draw(
                    clip: str = clip, animal: str = animal, label: int = label, frame: int = frame
                ) -> bytes:
                    picture = clips.drone_frame(clip, animal, BEHAVIOURS[label], frame)
                    return encode.jpeg(picture, Draws(f"{clip}/file"), quality=66)

                yield File(f"demo-kabr/dataset/image/{name}", draw)
        # The misspelt column is the data set's own.
        header = ["original_vido_id", "video_id", "frame_id", "path", "labels"]
        yield _table(f"demo-kabr/annotation/{split}.csv", [header, *rows], " ")


def mammalnet() -> Iterator[File]:
    """Clips of 32 numbered frames, one row a clip, no header."""
    for split, counts in MAMMALS.items():
        rows: list[list[object]] = []
        for label, species_of_clips in counts:
            for i, species in enumerate(species_of_clips):
                clip = f"mammalnet/{split}/{label}/{i}"
                code = f"{Draws(f'{clip}/row').integer(0, 2**32 - 1):08x}_{i}"
                rows.append([f"trimmed_videos/{code}.mp4", label, species])
                for frame in range(FRAMES):

                    def draw(
                        clip: str = clip,
                        species: int = species,
                        label: int = label,
                        frame: int = frame,
                    ) -> bytes:
                        behaviour = MAMMAL_BEHAVIOURS[label]
                        picture = clips.filmed_frame(clip, species, behaviour, frame)
                        return encode.jpeg(picture, Draws(f"{clip}/file"), quality=66)

                    yield File(f"demo-mammalnet/frames/{code}/frame_{frame + 1:02}.jpg", draw)
        rows = _shuffled(f"mammalnet/{split}", rows)
        yield _table(f"demo-mammalnet/annotation/composition/{split}.csv", rows, " ")
