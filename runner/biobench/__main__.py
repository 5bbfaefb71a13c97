"""The command ``biobench``, which ``python -m biobench`` is too."""

import signal


def main() -> None:
    """Load the command and run it."""
    # Until the command handles signals they end the process, without Python's traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    from biobench.cli import main as command

    command()


if __name__ == "__main__":
    main()
