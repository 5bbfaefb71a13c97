"""``python -m biobench`` is the command ``biobench``."""

from biobench.cli import main

if __name__ == "__main__":
    main()
