"""Probes whose bits follow neither the number of threads nor, at level P, the machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from processes import lines

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent

EXACT = """
import json
from biobench.selftest.part import Conditions
from biobench.selftest.probes import PARTS
for part in PARTS:
    if part.level == "P":
        print(json.dumps([part.id, part.measure(Conditions(workers=3)).digest]))
"""


@pytest.mark.parametrize(
    "variables",
    [
        {
            "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
            "OPENBLAS_CORETYPE": "Prescott",
            "FAISS_OPT_LEVEL": "generic",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA",
        },
        {"OMP_NUM_THREADS": "3", "OPENBLAS_NUM_THREADS": "3"},
        {"BIOBENCH_ENGINE_ISA": "scalar"},
    ],
    ids=["as a processor from before AVX2", "as this machine likes", "without FMA"],
)
def test_exact_probes_need_no_settings(variables: dict[str, str]) -> None:
    """Level P is promised on any machine: old instructions and many threads give the recorded
    neighbours, distances, covariances, thresholds, trained layers and optima."""
    recorded = json.loads((HERE / "small.json").read_text())["digests"]
    found = dict(lines(EXACT, variables=variables))
    assert len(found) == 6
    assert found == {id: recorded[id] for id in found}


THREADS = """
import hashlib, json
import numpy as np
from biobench.probe import LinearProbe, LogisticProbe, TraitsProbe
from biobench.selftest.inputs import labelled_features
from biobench.selftest.probes import traits
data = labelled_features(4500, 300, 64, 12)
for threads in (1, 2, 3, 7):
    linear = LinearProbe(12, steps=25, threads=threads).fit(data.train, data.train_labels)
    network = TraitsProbe(hidden=96, steps=25, threads=threads)
    network.fit(data.train, traits(data.train))
    logistic = LogisticProbe([0.01, 0.1], threads=threads)
    logistic.fit(data.train[:900], data.train_labels[:900])
    for name, arrays in {
        "linear": (linear.weight_, linear.bias_, linear.decision_function(data.test)),
        "traits": (network.hidden_weight_, network.output_weight_, network.predict(data.test)),
        "logistic": (logistic.coef_, logistic.intercept_, logistic.decision_function(data.test)),
    }.items():
        digest = hashlib.sha256(b"".join(np.ascontiguousarray(a).tobytes() for a in arrays))
        print(json.dumps([name, threads, digest.hexdigest()]))
"""


def test_trained_probes_do_not_depend_on_threads() -> None:
    """A probe learns the same bits on one core and on many: batches of several
    blocks, whose last is smaller, and epochs whose last batch is."""
    digests: dict[str, set[str]] = {}
    for name, _, digest in lines(THREADS):
        digests.setdefault(name, set()).add(digest)
    assert {name: len(found) for name, found in digests.items()} == {
        "linear": 1,
        "traits": 1,
        "logistic": 1,
    }
