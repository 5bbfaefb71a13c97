"""The data sets that the specification describes as tables, in small copies of their own form.

Each copy has the columns, the delimiter and the oddities of the published tables; the layout, the
view and the label rules are the specification's.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from task_values import plant

from biobench.data.build import build_manifest
from biobench.data.files import file_paths
from biobench.data.manifest import Manifest
from biobench.errors import DataError
from biobench.spec.canonical import sha256_json
from biobench.spec.load import load_spec

SPEC = load_spec()
SYNSETS = "sha256:5e738e464c43c92037bbb4252eeb6ba2c306091861443ae7e182e28c9662324e"
"""Digest of the names of ImageNet's thousand classes, sorted."""


def manifest(task: str, root: Path, division: str = "official") -> Manifest:
    """The manifest of a task of the specification on a copy of its data."""
    return build_manifest(SPEC.task(task, division), root, SPEC.suites["biobench"].seed)


def write(path: Path, rows: Sequence[str]) -> None:
    """A table of lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")


def fish(root: Path) -> Path:
    """FishNet: a nameless first column, addresses for file names, rows without traits."""
    head = (
        ",Unnamed: 0,species,image,SpecCode,Genus,Subfamily,Family,Order,Class,SuperClass,source,"
        "Folder,Troph,FeedingPath,Tropical,Temperate,Subtropical,Boreal,Polar,freshwater,"
        "saltwater,brackish,NewOrder,Frequency"
    )
    a = "1,1,,https://fish.example/images/a.jpg,,G,,F1,O,C,,base,F1,3.5,benthic,1,1,0,0,0,1,0,1,O,1"
    b = "2,2,,b.jpg,,G,,F2,O,C,,inat,F2,2.0,pelagic,0,1,0,0,0,1,1,0,O,1"
    gap = "3,3,,c.jpg,,G,,F2,O,C,,inat,F2,,,,,,,,,,,O,1"
    write(root / "train.csv", [head, a, gap])
    write(root / "test.csv", [head, gap.replace("c.jpg", "d.jpg"), b])
    return plant(root, "Image_Library/F1/a.jpg", "Image_Library/F2/b.jpg")


@pytest.mark.parametrize("division", ["official", "compat"])
def test_fishnet_has_nine_traits_and_no_row_with_a_gap(tmp_path: Path, division: str) -> None:
    """FeedingPath is 1 for pelagic; the other traits are what is written."""
    found = manifest("fishnet", fish(tmp_path), division)
    assert [(row.path, row.split, row.traits) for row in found.rows] == [
        ("Image_Library/F1/a.jpg", "train", (0, 1, 1, 0, 0, 0, 1, 0, 1)),
        ("Image_Library/F2/b.jpg", "test", (1, 0, 1, 0, 0, 0, 1, 1, 0)),
    ]
    # Rows from iNaturalist, most of them, have a genus and no species.
    assert [row.cluster for row in found.rows] == ["", "G"]
    assert len(found.classes) == SPEC.task("fishnet").counts.classes == 9


def fungi(root: Path) -> Path:
    """FungiCLEF: file names in another case than on disk, observations, the unknown class -1."""
    head = "observationID,month,image_path,class_id,species"
    train = ["10,5,T-1.JPG,0,a", "10,5,T-2.JPG,0,a", "11,6,t-3.jpg,12,b", "12,6,t-4.jpg,7,c"]
    test = ["90,5,V-1.JPG,12,b", "90,5,v-2.jpg,12,b", "91,5,v-3.jpg,-1,x", "92,7,v-4.jpg,7,c"]
    write(root / "FungiCLEF2023_train_metadata_PRODUCTION.csv", [head, *train])
    write(root / "FungiCLEF2023_val_metadata_PRODUCTION.csv", [head, *test])
    write(
        root / "poison_status_list.csv", ["class_id,species,poisonous", "0,a,0", "12,b,1", "7,c,0"]
    )
    files = [f"DF20_300/{name}" for name in ("t-1.jpg", "T-2.JPG", "t-3.jpg", "t-4.jpg")]
    return plant(root, *files, *(f"DF21_300/v-{i}.jpg" for i in (1, 2, 3, 4)))


def test_fungiclef_pools_observations_and_keeps_the_unknown(tmp_path: Path) -> None:
    """Officially labels are names of the train split; the ids of rows are the table's spelling."""
    found = manifest("fungiclef", fungi(tmp_path))
    assert found.classes == ("0", "12", "7")
    assert [(r.id, r.path, r.label, r.subject) for r in found.rows if r.split == "train"] == [
        ("T-2.JPG", "DF20_300/T-2.JPG", 0, ""),
        ("T-1.JPG", "DF20_300/t-1.jpg", 0, ""),
        ("t-3.jpg", "DF20_300/t-3.jpg", 1, ""),
        ("t-4.jpg", "DF20_300/t-4.jpg", 2, ""),
    ]
    items = [(row.id, row.label) for row in found.items.rows if row.split == "test"]
    assert items == [("90", 1), ("91", -1), ("92", 2)]
    assert (found.excluded, found.poisonous) == (0, (1,))


def test_fungiclef_takes_the_ids_of_the_file_in_compat(tmp_path: Path) -> None:
    """Upstream's ids, with those that no class has."""
    found = manifest("fungiclef", fungi(tmp_path), "compat")
    assert found.classes == tuple(map(str, range(13)))
    items = [(row.id, row.label) for row in found.items.rows if row.split == "test"]
    assert items == [("90", 12), ("91", -1), ("92", 7)]
    assert found.poisonous == (12,)


def cameras(root: Path) -> Path:
    """iWildCam: one table for five splits, all images in one folder."""
    rows = ["a.jpg,train,0", "b.jpg,train,10", "c.jpg,train,2", "d.jpg,val,2", "e.jpg,test,10"]
    rows += ["f.jpg,test,2", "g.jpg,test,5", "h.jpg,id_val,0", "i.jpg,id_test,0"]
    head = ",filename,split,y,location_remapped"
    write(root / "metadata.csv", [head, *(f"{i},{row},{i // 2}" for i, row in enumerate(rows))])
    return plant(root, *(f"train/{letter}.jpg" for letter in "abcdefghi"))


def test_iwildcam_has_the_test_split_of_other_cameras(tmp_path: Path) -> None:
    """A class that only the test split has is excluded officially and kept in compat."""
    root = cameras(tmp_path)
    official, compat = manifest("iwildcam", root), manifest("iwildcam", root, "compat")
    assert [(row.path, row.label) for row in official.rows] == [
        *(("train/a.jpg", 0), ("train/b.jpg", 1), ("train/c.jpg", 2)),
        *(("train/e.jpg", 1), ("train/f.jpg", 2)),
    ]
    assert (official.excluded, official.classes) == (1, ("0", "10", "2"))
    assert [row.label for row in compat.rows] == [0, 10, 2, 10, 2, 5]
    assert (compat.excluded, len(compat.classes)) == (0, 11)
    assert official.cluster_unit == "camera"
    assert [row.cluster for row in official.rows] == ["", "", "", "2", "2"]


def drone(root: Path) -> Path:
    """KABR: a row a frame, cells parted by spaces, more frames than are taken, a clip too short."""
    head = "original_vido_id video_id frame_id path labels"
    clips = {"train": (("G01", 1, 90, 3), ("Z02", 2, 20, 1), ("Z03", 3, 15, 1))}
    clips["val"] = (("G04.1", 1, 76, 3), ("G04.2", 2, 16, 1))
    for split, described in clips.items():
        rows, paths = [], []
        for name, video, count, label in described:
            for frame in range(1, count + 1):
                # Half of the first frames have another label.
                shown = 0 if frame <= count // 3 else label
                rows.append(f"{name} {video} {frame} {name}/{frame}.jpg {shown}")
                paths.append(f"dataset/image/{name}/{frame}.jpg")
        write(root / f"annotation/{split}.csv", [head, *rows])
        plant(root, *paths)
    return root


def test_kabr_takes_sixteen_frames_from_the_middle(tmp_path: Path) -> None:
    """Every fifth frame, closer where the clip is short; the label is the most frequent one."""
    found = manifest("kabr", drone(tmp_path))
    frames: dict[str, list[int]] = {}
    for row in found.rows:
        frames.setdefault(row.subject, []).append(int(Path(row.path).stem))
    assert {name: sorted(numbers) for name, numbers in frames.items()} == {
        "G01/1": list(range(8, 84, 5)),
        "Z02/2": list(range(3, 19)),
        "G04.1/1": list(range(1, 77, 5)),
        "G04.2/2": list(range(1, 17)),
    }
    assert [(row.id, row.split) for row in found.items.rows] == [
        *(("G01/1", "train"), ("Z02/2", "train"), ("G04.1/1", "test"), ("G04.2/2", "test")),
    ]
    # Two parts of one mini-scene.
    assert [row.cluster for row in found.items.rows] == ["", "", "G04", "G04"]
    assert [found.classes[row.label] for row in found.items.rows] == ["3", "1", "3", "1"]
    assert found.dropped == 1


def test_kabr_starts_anywhere_in_compat(tmp_path: Path) -> None:
    """The start is drawn, the same in every run, and the ids are the file's."""
    root = drone(tmp_path)
    found = manifest("kabr", root, "compat")
    assert found.digest == manifest("kabr", root, "compat").digest
    assert [row.label for row in found.items.rows] == [3, 1, 3, 1]
    assert len(found.rows) == 4 * 16


def videos(root: Path, lost: str = "") -> Path:
    """MammalNet: no header, a row a clip, 32 frames each, of which one may be lost."""
    train = ["trimmed_videos/aa_1.mp4 0 5", "trimmed_videos/bb.mp4 11 7"]
    test = ["trimmed_videos/cc.mp4 11 5", "trimmed_videos/dd.mp4 0 9"]
    write(root / "annotation/composition/train.csv", train)
    write(root / "annotation/composition/test.csv", test)
    for clip in ("aa_1", "bb", "cc", "dd"):
        paths = [f"frames/{clip}/frame_{i:02}.jpg" for i in range(1, 33)]
        plant(root, *(path for path in paths if path != lost))
    return root


def test_mammalnet_takes_all_frames(tmp_path: Path) -> None:
    """The clip is named by the video's file without its ending."""
    found = manifest("mammalnet", videos(tmp_path))
    assert [(row.id, row.label) for row in found.items.rows] == [
        *(("aa_1", 0), ("bb", 1), ("cc", 1), ("dd", 0)),
    ]
    assert len(found.rows) == 4 * 32
    assert found.rows[0].path == "frames/aa_1/frame_01.jpg"


def test_a_lost_frame_of_mammalnet(tmp_path: Path) -> None:
    """Officially the data set is broken; compat leaves the clip out, as upstream did."""
    root = videos(tmp_path, lost="frames/dd/frame_32.jpg")
    with pytest.raises(Exception, match=r"frame_32\.jpg"):
        manifest("mammalnet", root)
    found = manifest("mammalnet", root, "compat")
    assert [row.id for row in found.items.rows] == ["aa_1", "bb", "cc"]
    assert found.dropped == 1


def test_newt_has_groups(tmp_path: Path) -> None:
    """Each image belongs to one of the binary tasks, which share one table."""
    head = "id,task_cluster,task_subcluster,task,label,text_label,split,height,width"
    rows = [
        f"{task}-{split}-{label},c,,{task},{label},t,{split},10,10"
        for task in ("ml_age", "inat_a")
        for split in ("train", "test")
        for label in (0, 1)
    ]
    write(tmp_path / "newt2021_labels.csv", [head, *rows])
    plant(tmp_path, *(f"newt2021_images/{row.partition(',')[0]}.jpg" for row in rows))
    found = manifest("newt", tmp_path)
    assert found.classes == ("0", "1")
    assert [(row.id, row.label, row.group) for row in found.rows if row.split == "test"] == [
        *(("inat_a-test-0", 0, "inat_a"), ("inat_a-test-1", 1, "inat_a")),
        *(("ml_age-test-0", 0, "ml_age"), ("ml_age-test-1", 1, "ml_age")),
    ]


def test_imagenet_lies_in_folders(tmp_path: Path) -> None:
    """The usual form of a local copy, with its endings in capitals."""
    names = ("n01440764", "n01443537")
    plant(tmp_path, *(f"{split}/{name}/x.JPEG" for split in ("train", "val") for name in names))
    assert [row.label for row in manifest("imagenet1k", tmp_path).rows] == [0, 1, 0, 1]


def flat_imagenet(root: Path, labels: str) -> Path:
    """ImageNet as its publisher gives it: no folder a class for the validation images."""
    kit = root / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt"
    kit.parent.mkdir(parents=True)
    kit.write_text(labels)
    train = [f"train/{name}/x.JPEG" for name in ("n01440764", "n02119789", "n03255030")]
    return plant(root, *train, *(f"val/ILSVRC2012_val_0000000{i}.JPEG" for i in (1, 2, 3)))


def test_imagenet_with_its_validation_images_as_they_come(tmp_path: Path) -> None:
    """The numbers of the development kit are its own: tench, the first by name, is 449."""
    found = manifest("imagenet1k", flat_imagenet(tmp_path, "449\n1000\n1\n"))
    assert [(row.path, row.label) for row in found.rows if row.split == "test"] == [
        ("val/ILSVRC2012_val_00000001.JPEG", 0),
        ("val/ILSVRC2012_val_00000002.JPEG", 2),
        ("val/ILSVRC2012_val_00000003.JPEG", 1),
    ]
    assert found.classes == ("n01440764", "n02119789", "n03255030")
    dataset = SPEC.dataset("imagenet1k")
    named = file_paths(dataset, tmp_path)
    assert "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt" in named
    classes = dataset.layout.options["flat"]["test"]["classes"]
    assert len(classes) == len(set(classes)) == 1000
    # As in the development kit: sorted by nothing that a program could derive.
    assert (classes[0], classes[448], classes[999]) == ("n02119789", "n01440764", "n03255030")
    assert sha256_json(sorted(classes)) == SYNSETS


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ("449\n1000\n", "2 classes for the 3 images in val"),
        ("449\n1000\n1001\n", "line 3: '1001' must be a number from 1 to 1000"),
        ("449\n1000\n-1\n", "'-1' must be a number from 1 to 1000"),
        ("449\n1000\n\u0663\n", "must be a number from 1 to 1000"),
    ],
)
def test_a_list_that_does_not_fit(tmp_path: Path, labels: str, words: str) -> None:
    """A list of another data set shifts all labels."""
    with pytest.raises(DataError, match=words):
        manifest("imagenet1k", flat_imagenet(tmp_path, labels))


def test_flat_images_without_their_list(tmp_path: Path) -> None:
    """The message says which file it is that lacks."""
    root = flat_imagenet(tmp_path, "")
    (root / "ILSVRC2012_devkit_t12/data/ILSVRC2012_validation_ground_truth.txt").unlink()
    with pytest.raises(DataError, match=r"no class folders.*ground_truth\.txt is missing"):
        manifest("imagenet1k", root)


@pytest.mark.parametrize(
    "rows",
    [
        ["0,a,0", "12,b,1", "7,c,0", "12,b,1", "900,z,1"],
        ["0,a,", "12,b,1.0", "7,c,2"],
        ["12,b,1"],
        ["0,a, 0", "12,b, 1"],
        ["0,a,FALSE", "12,b,TRUE", "7,c,"],
        ["0.0,a,0", " 12,b,+1.00", ",c,1", "NA,d,1", "12.5,e,1", "-7,f,1"],
        ["0,a,NA", "12,b,1e0"],
    ],
)
def test_the_list_of_fungiclef_is_read_as_its_organisers_do(
    tmp_path: Path, rows: list[str]
) -> None:
    """A class is poisonous where a row has 1; rows that repeat it, and others, are no fault."""
    root = fungi(tmp_path)
    write(root / "poison_status_list.csv", ["class_id,species,poisonous", *rows])
    assert manifest("fungiclef", root).poisonous == (1,)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (["12,b,1", "12,b,0"], "line 3: the class 12 is the opposite on line 2"),
        (["-1,x,1"], "the unknown class -1 cannot be poisonous"),
        (["12,b,1", "12.0,b,0"], "line 3: the class 12 is the opposite on line 2"),
        (["12,b,1", "7,c,unknown"], "line 3: 'unknown' of column 'poisonous' must be a number"),
        (["12,b,True", "7,c,0"], "line 3: '0' of column 'poisonous' must be true, false or empty,"),
        (
            ["12,b,1", "7,c,False"],
            "line 3: 'False' of column 'poisonous' must be a number or empty",
        ),
        (["12,b,1", "amanita,c,0"], "line 3: 'amanita' of column 'class_id' must be a number, the"),
        (["8,b,1", "900,c,0"], "no cell of column 'class_id' is a class of the data, such as '0'"),
    ],
)
def test_a_list_that_leaves_a_doubt(tmp_path: Path, rows: list[str], words: str) -> None:
    """It contradicts itself, is text to its organisers' evaluation, or is of other classes."""
    root = fungi(tmp_path)
    write(root / "poison_status_list.csv", ["class_id,species,poisonous", *rows])
    with pytest.raises(DataError, match=words):
        manifest("fungiclef", root)
