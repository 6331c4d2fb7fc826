"""Catalogue files: TOML to values, with every mistake at once, and what two catalogues differ in."""

from kvota.catalogue_file.differing import Change, changes, differences
from kvota.catalogue_file.parsing import MAX_BYTES, load, parse, shipped

__all__ = ["MAX_BYTES", "Change", "changes", "differences", "load", "parse", "shipped"]
