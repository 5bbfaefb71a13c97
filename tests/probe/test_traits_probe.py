"""The traits network: constants, random numbers, schedule, the autograd definition, determinism."""

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
from biobench.errors import ModelError, SpecError, UsageError
from biobench.probe import TraitsProbe, exact_head, torch_descent
from biobench.probe.traits_mlp import definition as traits_reference
from biobench.probe.traits_mlp import torch_training
from biobench.probe.traits_mlp import training as traits_training
from biobench.probe.traits_mlp.estimator import FIXED, FREE, initial_layers
from biobench.probe.traits_mlp.plan import dropout_mask
from biobench.spec.generator import Stream
from biobench.spec.load import load_spec

SPEC = load_spec()


def animals(rows: int, features: int, traits: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Features and traits that depend on them, partly on a product that no linear layer finds."""
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(rows, features))
    direction = rng.normal(size=(features, traits))
    signal = matrix @ direction
    signal[:, 0] = matrix[:, 0] * matrix[:, 1]
    return matrix.astype(np.float32), (signal + 0.1 * rng.normal(size=signal.shape) > 0).astype(int)


@pytest.mark.parametrize("activation", ["relu", "none"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize(
    ("rows", "batch_size", "steps", "halving"),
    [(60, 1024, 40, 0), (60, 25, 30, 7), (1100, 1024, 5, 2), (1300, 1100, 5, 0)],
)
def test_training_is_the_autograd_definition(
    activation: str, dropout: float, rows: int, batch_size: int, steps: int, halving: int
) -> None:
    """Closed-form gradients and the in-place update give torch's own layers and optimiser.

    One batch an epoch, several with a short last one, batches of many rows; a large learning rate
    makes an error of any term visible; the definition runs in float64.
    """
    features, traits = animals(rows, 12, 3)
    probe = TraitsProbe(
        hidden=20, activation=activation, dropout=dropout, steps=steps, batch_size=batch_size,
        halving_steps=halving, learning_rate=0.02, weight_decay=0.3, stream="twin",
    ).fit(features, traits)  # fmt: skip
    layers = initial_layers(17, "twin", 12, 20, 3)
    hidden, output = traits_reference.train(probe, features, traits.astype(np.float32), layers)
    with torch.no_grad():
        units = hidden(torch.from_numpy(features).double())
        expected = output(torch.relu(units) if activation == "relu" else units).numpy()
    assert np.abs(probe.hidden_weight_ - layers[0]).max() > 0.02
    np.testing.assert_allclose(probe.decision_function(features), expected, atol=2e-3, rtol=1e-3)
    np.testing.assert_allclose(probe.output_weight_, output.weight.detach().numpy(), atol=1e-3)


def test_one_step_has_every_gradient_right() -> None:
    """Each parameter's gradient is the automatic one, with dropout and without; that of the exact
    engine, whose first moment it is where beta1 is 0, and torch's for CUDA."""
    features, traits = animals(700, 10, 4, seed=5)
    targets = traits.astype(np.float32)
    for dropout in (0.0, 0.5):
        probe = TraitsProbe(hidden=16, dropout=dropout, steps=1, stream="twin")
        mask = dropout_mask(probe, 0, 0, 700) if dropout else None
        layers = initial_layers(17, "twin", 10, 16, 4)
        leaves = [torch.from_numpy(v).double().requires_grad_() for v in layers]
        units = torch.relu(torch.from_numpy(features).double() @ leaves[0].t() + leaves[1])
        if mask is not None:
            units = units * torch.from_numpy(mask)
        logits = units @ leaves[2].t() + leaves[3]
        torch.nn.functional.binary_cross_entropy_with_logits(
            logits, torch.from_numpy(targets).double()
        ).backward()
        expected = np.concatenate([leaf.grad.numpy().reshape(-1) for leaf in leaves])

        engine = exact_engine.engine(2)
        head = _native.Head.traits(engine, layers, True, targets, (0.0, 0.999, 1e-8, 0.0))
        assert head.step(engine, features, None, 3e-4, mask)
        np.testing.assert_allclose(head.state()[1], expected, atol=1e-6, rtol=1e-4)
        with torch_descent.training():
            twin = torch_training.TraitsTorchHead(probe, features, targets, layers)
            found = twin.gradient(0, None, 700).numpy()
        np.testing.assert_allclose(found, expected, atol=1e-6, rtol=1e-4)


def test_torch_trains_the_same_layers() -> None:
    """Training by torch, as on a CUDA device, is the same up to rounding, here on the CPU."""
    features, traits = animals(300, 12, 3)
    probe = TraitsProbe(
        hidden=16, steps=60, batch_size=128, dropout=0.3, learning_rate=0.01, stream="twin"
    )
    given = probe, features, traits.astype(np.float32), initial_layers(17, "twin", 12, 16, 3)
    trained = torch_training.train(*given)
    for ours, theirs in zip(traits_training.train(*given), trained, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_bits_do_not_depend_on_the_number_of_threads() -> None:
    """Each sum is one chain over the rows of the batch: 1, 2, 3 and 7 threads agree exactly."""
    features, traits = animals(1700, 40, 5)
    runs = [
        TraitsProbe(steps=12, batch_size=1600, dropout=0.5, threads=threads).fit(features, traits)
        for threads in (1, 2, 3, 7)
    ]
    assert len({r.hidden_weight_.tobytes() + r.output_bias_.tobytes() for r in runs}) == 1


def test_a_row_is_predicted_alike_in_any_company() -> None:
    """A logit is a chain over the units: one row alone has the bits it has among many."""
    features, traits = animals(1100, 30, 5)
    probe = TraitsProbe(steps=5).fit(features, traits)
    together = probe.decision_function(features)
    assert np.array_equal(probe.decision_function(features[:3]), together[:3])
    assert np.array_equal(probe.decision_function(features[512:700]), together[512:700])


def test_the_network_learns_what_a_linear_layer_cannot() -> None:
    """The sign of a product is learnt with the rectifier and not without it."""
    features, traits = animals(2000, 8, 3)
    scores = {}
    for activation in ("relu", "none"):
        probe = TraitsProbe(activation=activation, steps=300, learning_rate=0.01)
        probe.fit(features[:1500], traits[:1500])
        scores[activation] = (probe.predict(features[1500:]) == traits[1500:]).mean(axis=0)
    assert scores["relu"].min() > 0.9
    assert scores["none"][0] < 0.6
    assert scores["none"][1:].min() > 0.9


def test_initial_layers_are_the_streams() -> None:
    """Row by row from the named streams, uniform within 1 / sqrt(inputs), rounded once."""
    first, first_bias, second, second_bias = initial_layers(17, "traits_mlp/fishnet", 5, 7, 2)
    for values, name, inputs in (
        (first, "hidden/weight", 5),
        (first_bias, "hidden/bias", 5),
        (second, "output/weight", 7),
        (second_bias, "output/bias", 7),
    ):
        stream = Stream(17, f"traits_mlp/fishnet/{name}")
        expected = [
            (2 * ((stream.word(i) >> 40) * 2.0**-24) - 1) / math.sqrt(inputs)
            for i in range(values.size)
        ]
        assert np.array_equal(values.reshape(-1), np.array(expected).astype(np.float32))
        assert float(np.abs(values).max()) <= 1 / math.sqrt(inputs)
    assert first.shape == (7, 5)
    assert second.shape == (2, 7)


@given(st.integers(0, 40), st.integers(1, 9), st.floats(0, 0.99), st.integers(0, 10**6))
@settings(max_examples=50)
def test_dropout_reads_one_float_a_unit(first: int, rows: int, dropout: float, step: int) -> None:
    """Unit i of place r by the float at r hidden + i, so some rows draw what the batch draws."""
    probe = TraitsProbe(hidden=6, dropout=dropout, stream="traits_mlp/t")
    mask = dropout_mask(probe, step, first, rows)
    stream = Stream(17, f"traits_mlp/t/dropout/{step}")
    for r in range(rows):
        for i in range(6):
            u = (stream.word((first + r) * 6 + i) >> 40) * 2.0**-24
            assert mask[r, i] == (0 if u < dropout else np.float32(1 / (1 - dropout)))


def test_dropout_keeps_the_expected_share() -> None:
    """About half of the units at one half, and never any while predicting."""
    mask = dropout_mask(TraitsProbe(dropout=0.5), 3, 0, 1024)
    assert set(np.unique(mask)) == {0.0, 2.0}
    assert abs(mask.mean() - 1) < 0.01
    features, traits = animals(40, 6, 2)
    probe = TraitsProbe(steps=3, dropout=0.5).fit(features, traits)
    assert np.array_equal(probe.decision_function(features), probe.decision_function(features))


def test_the_rate_is_upstreams_step_schedule_in_compat() -> None:
    """Official: torch's cosine. Compat: torch's StepLR of 20 steps and one half."""
    parameter = torch.nn.Parameter(torch.zeros(1))
    for division in ("official", "compat"):
        probe = TraitsProbe.from_protocol(
            SPEC.protocol("traits_mlp", division).constants, seed=17, task="t"
        )
        optimiser = torch.optim.SGD([parameter], lr=3e-4)
        schedule: Any = (
            torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=10_000, eta_min=3e-6)
            if division == "official"
            else torch.optim.lr_scheduler.StepLR(optimiser, step_size=20, gamma=0.5)
        )
        for step in range(130):
            rate = probe.rate(step)
            assert rate == pytest.approx(optimiser.param_groups[0]["lr"], rel=1e-9)
            optimiser.step()
            schedule.step()


def test_steps_that_move_nothing_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training ends as the rate underflows, with all steps told; the same bits as where the plan
    ends with the last step that moves."""
    features, traits = animals(30, 5, 2)
    calls: list[bool] = []
    step = exact_head.ExactHead.step

    def counted(self: Any, number: int, batch: Any, size: int) -> bool:
        calls.append(step(self, number, batch, size))
        return calls[-1]

    monkeypatch.setattr(exact_head.ExactHead, "step", counted)

    def fitted(steps: int) -> bytes:
        seen: list[int] = []
        probe = TraitsProbe(
            hidden=8, halving_steps=1, final_learning_rate_ratio=1.0, steps=steps,
            progress=seen.append,
        ).fit(features, traits)  # fmt: skip
        assert sum(seen) == steps
        return probe.hidden_weight_.tobytes() + probe.output_weight_.tobytes()

    short = fitted(260)
    moved = sum(calls)
    assert 100 < moved < 150
    assert calls == [True] * moved + [False]
    assert fitted(moved) == short


def test_defaults_are_the_protocols_constants() -> None:
    """The document, the table in the code and the constructor cannot drift apart."""
    constants = dict(SPEC.protocol("traits_mlp", "official").constants)
    assert constants == {**FIXED, **FREE}
    signature = inspect.signature(TraitsProbe)
    assert {name: signature.parameters[name].default for name in FREE} == dict(FREE)
    compat = TraitsProbe.from_protocol(
        SPEC.protocol("traits_mlp", "compat").constants, seed=17, task="fishnet"
    )
    assert (compat.activation, compat.dropout, compat.threshold) == ("none", 0.5, 0.5)
    assert (compat.weight_decay, compat.steps, compat.halving_steps) == (0.0, 30_000, 20)
    assert compat.stream == "traits_mlp/fishnet"


def test_constants_that_the_probe_cannot_have_are_refused() -> None:
    """A protocol of another optimiser is an invalid spec, not this probe in silence."""
    good = {**FIXED, **FREE}
    for bad in ({**good, "optimiser": "sgd"}, {**good, "warm_up_steps": 10}, {**good, "layers": 3}):
        with pytest.raises(SpecError, match="protocol traits_mlp"):
            TraitsProbe.from_protocol(bad, seed=17, task="t")


def test_a_trait_is_present_above_the_threshold() -> None:
    """A logit that equals the threshold is not above it."""
    features, traits = animals(40, 6, 2)
    probe = TraitsProbe(steps=2, threshold=0.5).fit(features, traits)
    probe.output_weight_ = np.zeros_like(probe.output_weight_)
    probe.output_bias_ = np.array([0.5, np.nextafter(np.float32(0.5), np.float32(1))], np.float32)
    assert np.array_equal(probe.predict(features), np.tile([0, 1], (40, 1)))


@pytest.mark.parametrize(
    ("features", "traits", "options", "error"),
    [
        (np.ones((4, 2)), [0, 1, 0, 1], {}, UsageError),
        (np.ones((4, 2)), [[0], [1], [2], [0]], {}, UsageError),
        (np.ones((4, 2)), [["a"], ["b"], ["a"], ["b"]], {}, UsageError),
        (np.ones((4, 2)), [[0], [1]], {}, UsageError),
        (np.ones((4, 2)), np.zeros((4, 0)), {}, UsageError),
        (np.array([[1.0, 2.0], [np.nan, 1.0]]), [[0], [1]], {}, ModelError),
        (np.ones((4, 2)), [[0], [1], [0], [1]], {"steps": 0}, UsageError),
        (np.ones((4, 2)), [[0], [1], [0], [1]], {"hidden": 0}, UsageError),
        (np.ones((4, 2)), [[0], [1], [0], [1]], {"dropout": 1.0}, UsageError),
        (np.ones((4, 2)), [[0], [1], [0], [1]], {"activation": "gelu"}, UsageError),
        (np.ones((4, 2)), [[0], [1], [0], [1]], {"device": "tpu"}, UsageError),
    ],
)
def test_what_cannot_be_trained_is_refused(
    features: np.ndarray, traits: Any, options: dict[str, Any], error: type[Exception]
) -> None:
    """Labels in place of traits, other values, unequal lengths, NaN, impossible options."""
    with pytest.raises(error):
        TraitsProbe(**{"steps": 2, **options}).fit(features, traits)


def test_a_model_of_another_width_is_refused() -> None:
    """Test features must come from the model whose features were trained on."""
    features, traits = animals(20, 4, 2)
    with pytest.raises(UsageError, match="features"):
        TraitsProbe(steps=2).fit(features, traits).predict(np.ones((1, 5)))


def test_training_that_leaves_the_finite_numbers_is_an_error() -> None:
    """An absurd constant ends in one line, not in a score of NaN."""
    features, traits = animals(20, 4, 2)
    with pytest.raises(ModelError, match="finite"):
        TraitsProbe(steps=60, learning_rate=1e10, weight_decay=1e3).fit(features, traits)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_cuda_trains_the_same_layers() -> None:
    """The same code on a GPU is the same training up to rounding, and repeats to the bit."""
    features, traits = animals(900, 24, 7)
    cpu = TraitsProbe(steps=40, stream="twin").fit(features, traits)
    runs = [
        TraitsProbe(steps=40, stream="twin", device="cuda").fit(features, traits) for _ in range(2)
    ]
    assert runs[0].hidden_weight_.tobytes() == runs[1].hidden_weight_.tobytes()
    np.testing.assert_allclose(runs[0].hidden_weight_, cpu.hidden_weight_, atol=1e-4)
