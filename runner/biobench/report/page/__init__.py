"""Pages: self-contained HTML files that need no network.

In: results with their predictions, and where they are at hand the images. Out: HTML text. Scripts
and styles are files below assets/, HTML is below templates/.
"""
