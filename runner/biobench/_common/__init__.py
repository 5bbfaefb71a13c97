"""What every part of the package may use: texts for people and output. Knows no stage."""
