"""Support vector machines on a task, one a group (SPEC.md, section "Support vector machine")."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt

from biobench.probe.blas import one_blas_thread
from biobench.probe.job import Job
from biobench.probe.least import two_classes
from biobench.probe.predictions import Predictions
from biobench.probe.svm import CentredRowError, SVMProbe


def apply(job: Job) -> Predictions:
    """Fit each group that has scored rows on its own train rows, and predict those scored rows."""
    groups = np.array(job.manifest.groups())
    in_train = np.zeros(len(groups), np.bool_)
    in_train[job.train()] = True
    in_test = np.zeros(len(groups), np.bool_)
    in_test[job.scored] = True
    names = sorted(set(groups[job.scored].tolist()))
    predicted = np.full(len(groups), -1, np.int64)

    def one_group(name: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        mine = groups == name
        test = np.flatnonzero(mine & in_test)
        return test, _predict_group(job, name, np.flatnonzero(mine & in_train), test)

    with one_blas_thread(), ThreadPoolExecutor(max(1, job.threads)) as pool:
        for test, labels in pool.map(one_group, names):
            predicted[test] = labels
            if job.progress is not None:
                job.progress(len(test))
    return job.predictions(predicted[job.scored])


def _predict_group(
    job: Job, name: str, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Label ids of the rows ``test``, int64, by a machine fitted on the rows ``train``."""
    labels = job.manifest.labels()[train]
    two_classes(labels, "a support vector machine", name)
    rows = train
    try:
        probe = SVMProbe.from_protocol(job.task.protocol.constants)
        probe.fit(job.features[train], labels)
        rows = test
        found: npt.NDArray[np.int64] = probe.predict(job.features[test])
    except CentredRowError as error:
        path = job.manifest.rows[int(rows[error.row])].path
        raise CentredRowError(error.row, f"{job.task.id}: {path}") from None
    return found
