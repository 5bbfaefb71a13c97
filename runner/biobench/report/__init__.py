"""The report stage: results.json, predictions files, the terminal table and the page.

In: scores, predictions and digests of the tasks of a run. Out: the folder of a result, whole or not
at all (SPEC.md, section "Results").
"""
