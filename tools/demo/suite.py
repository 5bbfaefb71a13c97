"""The demo data sets as files: which classes, how many pictures of each, under which names.

Every file is a function of its own stream's name, so one more class changes no other file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from demo import beluga, encode, herbarium, plankton, plantnet, tables
from demo.draws import Draws
from demo.file import File, class_sizes

WHALES = (18, 16, 14, 12, 11, 10, 9, 8, 7, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 1)
"""Pictures of each individual: a long tail, with three whales that were met only once."""
PLANKTON_TRAIN = (45, 36, 28, 22, 17, 13, 11, 9, 7, 6, 5, 4)
PLANKTON_TEST = (9, 9, 8, 8, 7, 7, 7, 7, 6, 6, 6, 6)
UNCLASSIFIABLE = 30
"""Test pictures of a class that has no train folder."""
PLANTNET_TRAIN = (40, 32, 26, 20, 16, 13, 10, 8, 6, 5)
PLANTNET_TEST = (10, 10, 9, 9, 8, 8, 7, 7, 6, 6)
HERBARIUM_TRAIN = (30, 26, 22, 19, 16, 14, 12, 10, 8, 7, 6, 5)
HERBARIUM_TEST = 8


def suite() -> Iterator[File]:
    """Every file of the nine data sets."""
    yield from _beluga()
    yield from _plankton()
    yield from _plantnet()
    yield from _herbarium()
    yield from tables.fishnet()
    yield from tables.fungiclef()
    yield from tables.iwildcam()
    yield from tables.kabr()
    yield from tables.mammalnet()


def _beluga() -> Iterator[File]:
    folder = "demo-beluga/beluga.coco"
    names = [f"whale{i:03}" for i in range(len(WHALES))]
    sightings: list[tuple[str, int, int]] = []
    for name, size in class_sizes("beluga", names, WHALES).items():
        draws = Draws(f"beluga/encounters/{name}")
        encounter = taken = 0
        for _ in range(size):
            sightings.append((name, encounter, taken))
            taken += 1
            if draws.chance(0.5):
                encounter, taken = encounter + 1, 0
    images, annotations = [], []
    for number, k in enumerate(Draws("beluga/order").shuffled(len(sightings))):
        name, encounter, taken = sightings[k]
        stream = f"beluga/{name}/{encounter}/{taken}"
        water = f"beluga/water/{name}/{encounter}"

        def draw(name: str = name, water: str = water, stream: str = stream) -> bytes:
            encounter = beluga.make_encounter(Draws(water))
            picture = beluga.draw_whale(beluga.make_whale(name), encounter, Draws(stream))
            return encode.jpeg(picture, Draws(f"{stream}/file"), quality=78)

        file_name = f"{number:09}.jpg"
        yield File(f"{folder}/images/train2022/{file_name}", draw)
        identifier = number + 1
        width, height = beluga.frame(Draws(stream))
        images.append({"id": identifier, "file_name": file_name, "width": width, "height": height})
        annotations.append(
            {
                "id": identifier,
                "image_id": identifier,
                "category_id": 1,
                "bbox": [0, 0, width, height],
                "name": name,
                "viewpoint": "top",
            }
        )
    document = {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": "beluga_whale"}],
    }
    text = json.dumps(document, indent=None, separators=(",", ": ")).replace("},{", "},\n{")
    yield File(f"{folder}/annotations/instances_train2022.json", f"{text}\n".encode)


def _plankton() -> Iterator[File]:
    kinds = [kind for kind in plankton.KINDS if kind != "Unclassifiable"]

    def files(split: str, kind: str, count: int) -> Iterator[File]:
        for i in range(count):
            stream = f"plankton/{split}/{kind}/{i}"
            number = Draws(f"{stream}/name").integer(0, 99_999)

            def draw(stream: str = stream, kind: str = kind) -> bytes:
                picture = plankton.draw_plankton(kind, Draws(stream))
                return encode.png(picture, Draws(f"{stream}/file"))

            yield File(f"demo-plankton/{split}/{kind}/{number:05}_{i:02}.png", draw)

    for kind, count in class_sizes("plankton", kinds, PLANKTON_TRAIN).items():
        yield from files("train", kind, count)
    for kind, count in class_sizes("plankton", kinds, PLANKTON_TEST).items():
        yield from files("val", kind, count)
    yield from files("val", "Unclassifiable", UNCLASSIFIABLE)


def _plantnet() -> Iterator[File]:
    names = list(plantnet.SPECIES)
    for split, sizes in (("train", PLANTNET_TRAIN), ("val", PLANTNET_TEST)):
        for name, count in class_sizes("plantnet", names, sizes).items():
            for i in range(count):
                stream = f"plantnet/{split}/{name}/{i}"
                words = Draws(f"{stream}/name")
                code = "".join(f"{words.integer(0, 2**32 - 1):08x}" for _ in range(5))

                def draw(stream: str = stream, name: str = name) -> bytes:
                    picture = plantnet.draw_plant(plantnet.SPECIES[name], Draws(stream))
                    return encode.jpeg(picture, Draws(f"{stream}/file"))

                yield File(f"demo-plantnet/images/{split}/{name}/{code}.jpg", draw)


def _herbarium() -> Iterator[File]:
    names = list(herbarium.SPECIES)
    equal = (HERBARIUM_TEST,) * len(names)
    for split, sizes in (("train", HERBARIUM_TRAIN), ("validation", equal)):
        for name, count in class_sizes("herbarium19", names, sizes).items():
            for i in range(count):
                stream = f"herbarium19/{split}/{name}/{i}"
                number = Draws(f"{stream}/name").integer(1, 9999)

                def draw(stream: str = stream, name: str = name) -> bytes:
                    picture = herbarium.draw_sheet(herbarium.SPECIES[name], Draws(stream))
                    return encode.jpeg(picture, Draws(f"{stream}/file"))

                yield File(f"demo-herbarium19/{split}/{name}/{number:04}{i:02}.jpg", draw)
