"""A recipe of a forger's own choosing lifts no check: crops of any size are made again."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from backbones import MeanColour
from small_runs import Made, options_of
from tampering import described, forge_predictions, held, own_tasks, resealed

from biobench import Results
from biobench.data.build import build_manifest
from biobench.data.predictions import Predictions
from biobench.decode.limits import MAX_RECIPE_SIDE
from biobench.embed.embedded import features_root, pixels_digest
from biobench.errors import ModelError
from biobench.pipeline import run
from biobench.report.item_digests import ItemDigests
from biobench.spec.load import load_spec
from biobench.verify.check import check
from biobench.verify.findings import Report
from biobench.verify.from_data import batch_size
from biobench.verify.recipes import recipe_of, torchvision_values

OTHER = "sha256:" + "5" * 64


def with_side(document: dict[str, Any], side: int) -> None:
    """Another size and crop, and the digest that such a recipe has."""
    recipe = document["model"]["recipe"]
    recipe |= {"size": side, "crop": side}
    made = recipe_of(recipe)
    table = torchvision_values(made.mean, made.std)
    recipe["digest"] = replace(made, table_bytes=table).digest


def checked(
    made: Made, document: dict[str, Any], leaves: Mapping[str, ItemDigests], **places: Any
) -> Report:
    # Without digests of items, a folder that has none beside its predictions.
    folder = None if leaves else made.out / "predictions"
    results = Results(resealed(document, made), folder, held(made), leaves or None)
    return check(results, load_spec(), made.places(**places))


@pytest.mark.slow
@pytest.mark.parametrize("side", [2000, MAX_RECIPE_SIDE + 1])
def test_a_large_crop_beside_other_pixels(side: int, ranked: Made) -> None:
    """Digests of pixels replaced, everything that follows made to fit, and no digests of items."""
    document = copy.deepcopy(ranked.results.document)
    with_side(document, side)
    for entry in document["tasks"].values():
        entry["digests"]["pixels"] = OTHER
    report = checked(ranked, document, {})
    assert report.status("pixels") is False, described(report)
    assert set(report.truth.values()) == {"fails"}
    if side <= MAX_RECIPE_SIDE:
        assert report.first == "pixels"


@pytest.mark.slow
def test_a_large_crop_beside_evidence_that_fits(ranked: Made) -> None:
    """Pixels, features and the count of bad images forged with the digests of their items."""
    document = copy.deepcopy(ranked.results.document)
    with_side(document, 1449)
    document["bad_images"] = 5
    spec, leaves = load_spec(), dict(ranked.digests_held())
    for id, task in own_tasks(ranked).items():
        manifest = build_manifest(task, ranked.folder / "data/drawn", spec.suites["biobench"].seed)
        digests = document["tasks"][id]["digests"]
        for stage, rows, root in (
            ("pixels", manifest.rows, pixels_digest),
            ("features", manifest.items.rows, features_root),
        ):
            forged = np.full_like(leaves[f"evidence/{id}.{stage}"], 9)
            leaves[f"evidence/{id}.{stage}"] = forged
            digests[stage] = root([row.id for row in rows], forged)
    report = checked(ranked, document, leaves)
    assert report.first == "pixels", described(report)
    assert set(report.truth.values()) == {"fails"}
    failed = [finding.task for finding in report.of("pixels") if finding.holds is False]
    assert {*own_tasks(ranked)} <= {*failed}


@pytest.mark.slow
def test_a_crop_that_no_run_has_needs_no_data(ranked: Made) -> None:
    """The bound on sides is a rule of the specification, so the recipe alone tells."""
    document = copy.deepcopy(ranked.results.document)
    with_side(document, MAX_RECIPE_SIDE + 1)
    report = checked(ranked, document, {}, data=False, store=False)
    assert report.first == "recipe"
    assert "above 4096" in str(report.of("recipe")[0])


@pytest.mark.slow
def test_bad_images_without_the_data_are_a_claim_that_is_named(ranked: Made) -> None:
    """The table says that no image was decoded, and names what nothing was compared with."""

    def believed(id: str, predictions: Predictions) -> Predictions:
        return predictions

    report = forge_predictions(ranked, believed, data=False, store=False)
    assert report.holds
    assert "bad_images not checked" in str(report.of("pixels")[0])


@pytest.mark.parametrize(
    ("side", "images"), [(224, 32), (724, 32), (1449, 7), (2048, 4), (4096, 1)]
)
def test_images_of_a_batch(side: int, images: int) -> None:
    """A batch holds at most the pixels of the largest crop that there is."""
    assert batch_size((side, side)) == images


@pytest.mark.slow
def test_no_run_has_such_a_crop(tmp_path: Any) -> None:
    """A recipe that verify calls impossible is refused before the first image, whoever made it."""
    model = MeanColour()
    model.recipe = replace(model.recipe, crop=(MAX_RECIPE_SIDE + 1, 8))
    options = replace(options_of(tmp_path, ("demo-beluga",)), model=model, data=None)
    with pytest.raises(ModelError, match="4097"):
        run(options)
