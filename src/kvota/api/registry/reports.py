"""The ledger and the statistics."""

from kvota.api import routes_exports, routes_insight, routes_reports
from kvota.api.registry.operation import COMPANY, REPORTED, SEERS, Operation, operation
from kvota.asks.reports import CSV, XLSX
from kvota.wire import insight, queries, replies


def reports() -> list[Operation]:
    """The ledger and the statistics."""
    return [
        operation(
            "list_entries", SEERS, f"GET {COMPANY}/entries", "A page of the ledger, by seq",
            routes_reports.list_entries, tag="Reports", query=queries.EntriesQuery,
            reply=replies.Page[replies.Entry],
        ),
        operation(
            "entries_csv", SEERS, f"GET {COMPANY}/entries.csv", "The ledger as CSV",
            routes_exports.entries_csv, tag="Reports", query=queries.ExportQuery, media_type=CSV,
        ),
        operation(
            "entries_xlsx", SEERS, f"GET {COMPANY}/entries.xlsx", "The ledger as a workbook",
            routes_exports.entries_xlsx, tag="Reports", query=queries.ExportQuery, media_type=XLSX,
        ),
        operation(
            "get_usage", REPORTED, f"GET {COMPANY}/usage", "Statistics of local dates; a member sees his own",
            routes_reports.usage, tag="Reports", query=queries.UsageQuery, reply=replies.UsageReport,
        ),
        operation(
            "get_forecast", SEERS, f"GET {COMPANY}/forecast", "Whether it will last, when it runs out, and the way out",
            routes_insight.forecast, tag="Reports", reply=insight.Forecast,
        ),
        operation(
            "get_advice", SEERS, f"GET {COMPANY}/advice", "What would save requests or money, each with its amount",
            routes_insight.advice, tag="Reports", reply=insight.AdviceReport,
        ),
    ]  # fmt: skip
