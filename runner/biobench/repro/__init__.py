"""Reproducibility: what decides the bits of torch, and the record of where a run took place.

In: this process and this machine. Out: torch's state, and the environment of a result (SPEC.md,
section "Levels").
"""
