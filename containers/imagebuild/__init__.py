"""Building of the images: base, wheels, layers, archive. ``containers/build`` is the command."""
