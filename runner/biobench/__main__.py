"""The command ``biobench``, which ``python -m biobench`` is too."""

import signal

# Until the command handles signals they end the process, without Python's traceback.
signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Load the command and run it."""
    from biobench.cli import main

    main()


if __name__ == "__main__":
    main()
