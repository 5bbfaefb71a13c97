"""How the images are built: base, wheels, layers, archive. ``containers/build`` is the command."""
