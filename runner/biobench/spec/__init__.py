"""The specification's documents, read and checked (SPEC.md, section "Documents").

In: the folder spec/, or the copy of it in the package. Out: documents as typed values, their
digest, and the generator of random numbers. A new key of a document is its rule in the schema of
spec/v1/schema/ and its type in documents.py.
"""
