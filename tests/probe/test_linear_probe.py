"""The linear probe: constants, random numbers, schedule, the autograd definition, determinism."""

from __future__ import annotations

import inspect
import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from biobench import _native
from biobench._common import exact_engine
from biobench.errors import DataError, ModelError, SpecError, UsageError
from biobench.probe import LinearProbe, torch_descent
from biobench.probe.linear_probe import definition as linear_reference
from biobench.probe.linear_probe import torch_training
from biobench.probe.linear_probe import training as linear_training
from biobench.probe.linear_probe.estimator import FIXED, FREE, initial_values
from biobench.probe.rows import standard_rows
from biobench.probe.training_plan import batches, learning_rate
from biobench.spec.generator import Stream
from biobench.spec.load import load_spec


def blobs(rows: int, features: int, classes: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Overlapping clusters with every class present."""
    rng = np.random.default_rng(seed)
    ids = np.arange(rows) % classes
    centres = rng.normal(size=(classes, features))
    matrix = 3.0 + centres[ids] + 1.5 * rng.normal(size=(rows, features))
    return matrix.astype(np.float32), ids


@pytest.mark.parametrize(
    ("rows", "batch_size", "steps"),
    [(60, 2048, 40), (60, 25, 30), (1100, 2048, 6), (1300, 1100, 7)],
)
def test_training_is_the_autograd_definition(rows: int, batch_size: int, steps: int) -> None:
    """Closed-form gradients and the in-place update give torch's own layer and optimiser.

    One batch an epoch, several with a short last one, batches of many rows. A large learning rate
    makes an error of any term visible; the definition runs in float64.
    """
    features, ids = blobs(rows, 24, 7)
    probe = LinearProbe(
        7, steps=steps, batch_size=batch_size, learning_rate=0.05, weight_decay=0.3, stream="twin"
    ).fit(features, ids)
    model = linear_reference.train(probe, features, ids, *initial_values(17, "twin", 7, 24))
    with torch.no_grad():
        expected = model(torch.from_numpy(features).double()).numpy()
    logits = probe.decision_function(features)
    assert np.abs(expected).max() > 1.0
    np.testing.assert_allclose(logits, expected, atol=2e-4, rtol=1e-4)


def test_one_step_has_every_gradient_right() -> None:
    """Each parameter's gradient, gamma and beta away from their start, is the automatic one: that
    of the exact engine, whose first moment it is where beta1 is 0, and torch's for CUDA."""
    features, ids = blobs(700, 10, 4, seed=5)
    rows = standard_rows(features, 1e-5)
    weight, bias = initial_values(17, "twin", 4, 10)
    affine = np.full(10, 1.25, np.float32), np.linspace(-1, 1, 10, dtype=np.float32)
    leaves = [torch.from_numpy(v).double().requires_grad_() for v in (weight, *affine, bias)]
    w, gamma, beta, b = leaves
    logits = (torch.from_numpy(rows).double() * gamma + beta) @ w.t() + b
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(ids)).backward()
    expected = np.concatenate([leaf.grad.numpy().reshape(-1) for leaf in leaves])

    engine = exact_engine.engine(2)
    head = _native.Head.linear(engine, weight, affine, bias, ids, (0.0, 0.999, 1e-8, 0.0))
    assert head.step(engine, rows, None, 3e-4)
    np.testing.assert_allclose(head.state()[1], expected, atol=1e-6, rtol=1e-4)
    with torch_descent.training():
        probe = LinearProbe(4, steps=1, stream="twin")
        twin = torch_training.LinearTorchHead(probe, rows, ids, weight, bias)
        twin.parameters.gamma.copy_(gamma)
        twin.parameters.beta.copy_(beta)
        found = twin.gradient(0, None, 700).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-4)


def test_torch_trains_the_same_layer() -> None:
    """Training by torch, as on a CUDA device, is the same up to rounding, here on the CPU."""
    features, ids = blobs(300, 12, 5)
    rows = standard_rows(features, 1e-5)
    probe = LinearProbe(5, steps=60, batch_size=128, learning_rate=0.01, stream="twin")
    start = initial_values(17, "twin", 5, 12)
    exact = linear_training.train(probe, rows, ids, *start)
    for ours, theirs in zip(exact, torch_training.train(probe, rows, ids, *start), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    """Each sum is one chain over the rows of the batch: 1, 2, 3 and 7 threads agree exactly."""
    features, ids = blobs(1700, 40, 9)
    runs = [
        LinearProbe(9, steps=25, batch_size=1600, threads=threads).fit(features, ids)
        for threads in (1, 2, 3, 7)
    ]
    assert len({run.weight_.tobytes() + run.bias_.tobytes() for run in runs}) == 1


def test_a_row_is_predicted_alike_in_any_company() -> None:
    """A logit is one chain over the features: one row alone has the bits it has among many."""
    features, ids = blobs(1100, 30, 5)
    probe = LinearProbe(5, steps=20).fit(features, ids)
    together = probe.decision_function(features)
    assert np.array_equal(probe.decision_function(features[:3]), together[:3])
    assert np.array_equal(probe.decision_function(features[512:700]), together[512:700])


def test_the_probe_learns() -> None:
    """Separable clusters are told apart on unseen rows; a probe that does not train fails."""
    rng = np.random.default_rng(8)
    centres = 2.0 * rng.normal(size=(6, 32))
    ids = np.arange(600) % 6
    features = (centres[ids] + rng.normal(size=(600, 32))).astype(np.float32)
    probe = LinearProbe(6, steps=300, learning_rate=0.01).fit(features[:300], ids[:300])
    assert (probe.predict(features[300:]) == ids[300:]).mean() > 0.95


def test_initial_values_are_the_streams() -> None:
    """Row by row from the named streams, uniform within 1 / sqrt(d), rounded once."""
    weight, bias = initial_values(17, "linear_probe/herbarium19", 3, 5)
    stream = Stream(17, "linear_probe/herbarium19/weight")
    expected = [
        [(2 * ((stream.word(i * 5 + j) >> 40) * 2.0**-24) - 1) / math.sqrt(5) for j in range(5)]
        for i in range(3)
    ]
    assert np.array_equal(weight, np.array(expected).astype(np.float32))
    assert bias.shape == (3,)
    assert float(np.abs(weight).max()) <= 1 / math.sqrt(5)


@given(st.integers(1, 60), st.integers(1, 25), st.integers(0, 3))
@settings(max_examples=60)
def test_an_epoch_visits_every_row_once(rows: int, batch_size: int, epoch: int) -> None:
    """Batches are the permutation's consecutive cuts, the last one short, each ascending."""
    parts = batches(17, "linear_probe/t", rows, batch_size, epoch)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(rows))
    assert all(len(p) == batch_size for p in parts[:-1])
    assert len(parts) == math.ceil(rows / batch_size)
    order = Stream(17, f"linear_probe/t/order/{epoch}").permutation(rows)
    for i, part in enumerate(parts):
        assert np.array_equal(part, np.sort(order[i * batch_size : (i + 1) * batch_size]))


def test_the_learning_rate_is_torchs_cosine_schedule() -> None:
    """Step 0 has the full rate, and torch's own scheduler says the same all the way."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.SGD([parameter], lr=3e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=50, eta_min=3e-6)
    for step in range(50):
        rate = learning_rate(step, first=3e-4, ratio=0.01, steps=50)
        assert rate == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
        optimiser.step()
        schedule.step()
    assert learning_rate(0, first=3e-4, ratio=0.01, steps=50) == 3e-4


def test_defaults_are_the_protocols_constants() -> None:
    """The document, the table in the code and the constructor cannot drift apart."""
    for division in ("official", "compat"):
        constants = dict(load_spec().protocol("linear_probe", division).constants)
        assert constants == {**FIXED, **FREE}
        LinearProbe.from_protocol(constants, classes=3, seed=17, task="t")
    signature = inspect.signature(LinearProbe)
    assert {name: signature.parameters[name].default for name in FREE} == dict(FREE)


def test_constants_that_the_probe_cannot_have_are_refused() -> None:
    """A protocol of another optimiser is an invalid spec, not this probe in silence."""
    good = {**FIXED, **FREE}
    for bad in (
        {**good, "optimiser": "sgd"},
        {**good, "warm_up_steps": 10},
        {**good, "dropout": 0},
    ):
        with pytest.raises(SpecError, match="protocol linear_probe"):
            LinearProbe.from_protocol(bad, classes=3, seed=17, task="t")


def test_labels_may_be_names_and_ties_go_to_the_smallest() -> None:
    """Without a class count labels are sorted; equal logits give the first of them."""
    features, ids = blobs(40, 6, 3)
    names = np.array(["wren", "adder", "mole"])[ids]
    probe = LinearProbe(steps=20).fit(features, names)
    assert set(probe.predict(features)) <= set(names)
    probe.weight_ = np.zeros_like(probe.weight_)
    probe.bias_ = np.zeros_like(probe.bias_)
    assert set(probe.predict(features)) == {"adder"}


def test_progress_adds_up_to_the_steps() -> None:
    """A bar over the steps ends exactly full, whatever the number of steps."""
    features, ids = blobs(20, 4, 2)
    for steps in (49, 50, 151):
        seen: list[int] = []
        LinearProbe(2, steps=steps, progress=seen.append).fit(features, ids)
        assert sum(seen) == steps


@pytest.mark.parametrize(
    ("features", "labels", "options", "error"),
    [
        (np.ones((4, 2)), [1, 1, 1, 1], {"classes": 3}, DataError),
        (np.ones((4, 2)), [0, 1, 2, 3], {"classes": 3}, UsageError),
        (np.ones((4, 2)), [0.0, 1.0, 0.0, 1.0], {"classes": 3}, UsageError),
        (np.ones((4, 2)), [0, 1], {"classes": 2}, UsageError),
        (np.ones((0, 2)), [], {"classes": 2}, DataError),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), [0, 1], {"classes": 2}, ModelError),
        (np.ones((4, 2)), [0, 1, 0, 1], {"steps": 0}, UsageError),
        (np.ones((4, 2)), [0, 1, 0, 1], {"batch_size": 0}, UsageError),
        (np.ones((4, 2)), [0, 1, 0, 1], {"device": "tpu"}, UsageError),
    ],
)
def test_what_cannot_be_trained_is_refused(
    features: np.ndarray, labels: list[Any], options: dict[str, Any], error: type[Exception]
) -> None:
    """One class, foreign labels, unequal lengths, no rows, NaN, impossible options: one line."""
    with pytest.raises(error):
        LinearProbe(**{"steps": 2, **options}).fit(features, labels)


def test_a_model_of_another_width_is_refused() -> None:
    """Test features must come from the model whose features were trained on."""
    features, ids = blobs(20, 4, 2)
    probe = LinearProbe(2, steps=2).fit(features, ids)
    with pytest.raises(UsageError, match="features"):
        probe.predict(np.ones((1, 5)))


def test_training_that_leaves_the_finite_numbers_is_an_error() -> None:
    """An absurd constant ends in one line, not in a score of NaN."""
    features, ids = blobs(20, 4, 2)
    with pytest.raises(ModelError, match="finite"):
        LinearProbe(2, steps=60, learning_rate=1e10, weight_decay=1e3).fit(features, ids)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_trains_the_same_layer() -> None:
    """The same code on a GPU is the same training up to rounding, and repeats to the bit."""
    features, ids = blobs(900, 24, 7)
    cpu = LinearProbe(7, steps=40, stream="twin").fit(features, ids)
    runs = [
        LinearProbe(7, steps=40, stream="twin", device="cuda").fit(features, ids) for _ in range(2)
    ]
    assert runs[0].weight_.tobytes() == runs[1].weight_.tobytes()
    np.testing.assert_allclose(runs[0].weight_, cpu.weight_, atol=1e-4)
