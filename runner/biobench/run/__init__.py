"""What comes around the flow: a run's plan, its tasks, its context, the folder of its result."""
