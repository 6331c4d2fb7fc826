"""TOML files that people write: read with every mistake at once, each with its line and what would be right."""

from kvota.toml_file.lines import locate, refusal
from kvota.toml_file.reading import MAX_BYTES, decoded, values
from kvota.toml_file.tables import Mistakes, Table, named

__all__ = ["MAX_BYTES", "Mistakes", "Table", "decoded", "locate", "named", "refusal", "values"]
