"""Known items that a protocol with rejection calls "unknown".

In: a person's own task and its predictions. Out: a line for people where most are rejected although
no class is unknown: such a score says more of the rejection than of the model.
"""

from __future__ import annotations

import numpy as np

from biobench.data.labels import UNKNOWN, unknown_label
from biobench.data.predictions import Predictions
from biobench.errors import counted
from biobench.spec.documents import Task


def rejection_line(task: Task, predictions: Predictions, learnt: int) -> str | None:
    """The line on rejected predictions of a task, None where there is nothing to say.

    Args:
        task: The task; what the specification's own tasks give is known.
        predictions: Its predictions.
        learnt: Items that were learnt from.
    """
    if task.division != "open" or unknown_label(task) is not None:
        return None
    rejected, scored = int(np.sum(predictions.y_pred == UNKNOWN)), len(predictions.ids)
    if "unknown_label" not in task.protocol.constants or 2 * rejected <= scored:
        return None
    share = f"every one of {counted(scored, 'prediction')}"
    if rejected < scored:
        share = f"{rejected} of {counted(scored, 'prediction')}"
    return (
        f'{task.id}: {share} {"is" if rejected in (1, scored) else "are"} "unknown", which counts '
        f"as wrong: {task.protocol.id} rejects what is far from the {counted(learnt, 'item')} "
        "learnt from; where no class is unknown take another protocol, such as logistic_regression "
        "(--protocol, or protocol in the task file)"
    )
