"""Reproducibility: what decides the bits of torch, and the record of where a run took place."""
