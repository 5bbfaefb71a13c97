"""Class folders: a person's own photographs, a folder a class, as a task (docs/class-folders.md).

In: a folder. Out: a task file and a table that name every image with its class and split.
"""
