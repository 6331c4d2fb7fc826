"""A progress bar on a terminal, and nothing anywhere else."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager


@contextmanager
def counting(what: str, total: int | None) -> Generator[Callable[[], None]]:
    """Calls of the function that it gives move the bar by one."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    if console.no_color:
        yield lambda: None
        return
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task(what, total=total or None)
        yield lambda: bar.advance(task)
