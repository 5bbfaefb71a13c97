"""Programs: a frozen backbone as a list of exact operations (SPEC.md, section "Programs").

In: a loaded torch module. Out: a document of operations with a digest, and its constants.
"""
