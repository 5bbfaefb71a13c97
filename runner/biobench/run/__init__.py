"""The preparation of a run: plan, tasks, context, and the folder of its result.

In: the options of a run. Out: a context, with manifests, models that are loaded, and preconditions
that were looked at; ``pipeline.py`` executes it.
"""
