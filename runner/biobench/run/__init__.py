"""The preparation of a run: plan, tasks, context, and the folder of its result."""
