"""Checking a result: what it claims, from its own evidence, and against another result.

In: results.json with its predictions, a submission, or a learning curve. Out: what holds, what does
not, and what could not be looked at, stage by stage (SPEC.md, sections "Results" and "Levels"). No
model is needed and torch is never loaded, except to run again.
"""
