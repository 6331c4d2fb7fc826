"""The command line. Exit codes: 0 done, 1 declined or findings, 2 the caller erred, 3 the world broke."""

import sys

OK, NO, CALLER_ERRED, WORLD_BROKE, INTERRUPTED = 0, 1, 2, 3, 130


def main(arguments: list[str] | None = None) -> None:
    """Run ``kvota``; ends with an exit code, never with a traceback where something foreseeable went wrong."""
    try:
        from kvota.cli.app import app

        app(arguments)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        _forget_stdout()
        sys.exit(OK)
    except Exception as error:  # noqa: BLE001 - those that are foreseen are told, the others raised again
        from kvota.cli.problems import tell

        sys.exit(tell(error))


def _forget_stdout() -> None:
    """Who reads our output has had enough (``kvota entries acme | head``): nothing to complain about at exit."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
