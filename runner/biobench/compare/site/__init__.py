"""A site: pages of many results, in a folder that needs no server and no network.

In: results with their predictions, and where they are at hand the images. Out: files.
"""
