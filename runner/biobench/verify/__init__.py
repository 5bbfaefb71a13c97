"""Verification of a result: its claims, by its own evidence, and against another result.

In: results.json with its predictions, a submission, or a learning curve. Out: what holds, what does
not, and what could not be checked, stage by stage (SPEC.md, sections "Results" and "Levels"). No
model is needed and torch is never loaded, except to run again.
"""
