"""Workers of a plan, started by a scheduler that is there already (docs/cluster.md).

In: a plan and the options of a cluster. Out: a script, its job, and what its workers did.
"""
