"""The interpreter's collector of garbage, for a process that lives long."""

import gc

YOUNG = 20_000
"""So many objects are made before the young ones are looked through: more than a large batch keeps at once. At
Python's own 700 that takes a tenth of the time of deciding, and finds nothing: what a batch leaves is in no cycle."""


def settle() -> None:
    """To be called once what lives as long as the process is there: that is not looked through any more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)
