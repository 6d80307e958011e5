"""Polars, the default engine: lazy frames, streaming sinks, spill to Parquet."""

from headrace.sdk import EngineManifest, hookimpl, lazy


@hookimpl
def headrace_engines() -> list[EngineManifest]:
    """Offer the engine."""
    return [
        EngineManifest(
            id="polars", title="Polars", factory=lazy("headrace_plugin_engine_polars.engine:PolarsEngine"),
            summary="One machine, all cores, streaming from and to Parquet.",
        )
    ]  # fmt: skip
