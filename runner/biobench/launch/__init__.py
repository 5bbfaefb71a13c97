"""Workers of a plan, started by a scheduler that is there already (docs/cluster.md)."""
