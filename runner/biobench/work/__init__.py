"""A plan of many models and tasks in parts, and workers that share it on one store.

:func:`status` tells what has become of a plan.
"""

from biobench.work.overview import Status, status

__all__ = ["Status", "status"]
