"""Several results side by side (SPEC.md, sections "Divisions" and "Comparison of models").

In: results with their predictions. Out: one table of scores, and who is ahead beyond chance.
"""
