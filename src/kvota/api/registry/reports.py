"""The ledger and the statistics."""

from kvota.api import routes_exports, routes_insight, routes_reports, routes_statistics
from kvota.api.registry.operation import COMPANY, REPORTED, SEERS, Operation, operation
from kvota.asks.reports import CSV, XLSX
from kvota.wire import insight, queries, replies, statistics


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
            "get_statistics", REPORTED, f"GET {COMPANY}/statistics",
            "Statistics of local dates beside as many days before; a member sees his own",
            routes_statistics.get_statistics, tag="Reports", query=queries.StatisticsQuery,
            reply=statistics.Statistics,
        ),
        operation(
            "list_counted", REPORTED, f"GET {COMPANY}/statistics/entries",
            "A page of the entries behind a number of the statistics, with what each adds to it",
            routes_statistics.list_counted, tag="Reports", query=queries.CountedQuery,
            reply=replies.Page[statistics.CountedEntry],
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
