"""The pipeline of the demo written by hand, in Polars and in pandas: what its flow is measured against."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

CLASSES = ((0, "early or on time"), (15, "slight"), (60, "late"))
"""Upper bounds of the arrival delay in minutes."""
WORST = "very late"
KEYS = ["year", "month", "carrier", "airline"]


def unpack(folder: Path, target: Path) -> Path:
    """The flights CSV out of its zip."""
    with zipfile.ZipFile(folder / "flights.csv.zip") as archive:
        return Path(archive.extract("flights.csv", target))


def polars(folder: Path, target: Path) -> int:
    """Return the number of flights in the written table."""
    import polars as pl

    moment = pl.Datetime("us", "UTC")

    def scan(name: Path) -> pl.LazyFrame:
        columns = pl.scan_csv(name, null_values=["NA"], infer_schema_length=2_000).collect_schema()
        stamps = {"time_hour": moment} if "time_hour" in columns else {}  # said here, found by ours
        return pl.scan_csv(name, null_values=["NA"], schema=columns | stamps)

    flights = scan(unpack(folder, target))
    airlines = scan(folder / "airlines.csv").rename({"name": "airline"})
    airports = scan(folder / "airports.csv").select("faa", pl.col("name").alias("destination"), "lat", "lon")
    weather = (
        scan(folder / "weather.csv")
        .select("origin", "time_hour", "temp", "wind_speed", "precip", "visib")
        .unique(["origin", "time_hour"])
    )
    delay = pl.col("arr_delay")
    kind = pl.when(delay <= CLASSES[0][0]).then(pl.lit(CLASSES[0][1]))
    for bound, name in CLASSES[1:]:
        kind = kind.when(delay <= bound).then(pl.lit(name))
    made = (
        flights.filter(delay.is_not_null())
        .join(airlines, on="carrier", how="left")
        .join(airports, left_on="dest", right_on="faa", how="left")
        .join(weather, on=["origin", "time_hour"], how="left")
        .with_columns(kind.otherwise(pl.lit(WORST)).alias("delay_class"))
        .group_by(*KEYS)
        .agg(
            pl.len().alias("flights"),
            (pl.col("delay_class") == WORST).sum().alias("very_late"),
            delay.mean().alias("mean_delay"),
            pl.col("wind_speed").mean().alias("mean_wind"),
            pl.col("destination").n_unique().alias("destinations"),
        )
        .sort("year", "month", "carrier")
    )
    made.sink_parquet(target / "polars.parquet")
    return int(pl.read_parquet(target / "polars.parquet")["flights"].sum())


def pandas(folder: Path, target: Path) -> int:
    """Return the number of flights in the written table."""
    import pandas as pd

    def read(name: Path) -> Any:
        return pd.read_csv(name, na_values=["NA"], keep_default_na=False)

    flights = read(unpack(folder, target))
    airlines = read(folder / "airlines.csv").rename(columns={"name": "airline"})
    airports = read(folder / "airports.csv")[["faa", "name", "lat", "lon"]].rename(columns={"name": "destination"})
    weather = read(folder / "weather.csv")[["origin", "time_hour", "temp", "wind_speed", "precip", "visib"]]
    made = (
        flights[flights.arr_delay.notna()]
        .merge(airlines, on="carrier", how="left")
        .merge(airports, left_on="dest", right_on="faa", how="left")
        .merge(weather.drop_duplicates(["origin", "time_hour"]), on=["origin", "time_hour"], how="left")
    )
    bounds = [float("-inf"), *[float(bound) for bound, _ in CLASSES], float("inf")]
    made["delay_class"] = pd.cut(made.arr_delay, bounds, labels=[*[name for _, name in CLASSES], WORST])
    made["very"] = made.delay_class == WORST
    table = made.groupby(KEYS, as_index=False).agg(
        flights=("arr_delay", "size"), very_late=("very", "sum"), mean_delay=("arr_delay", "mean"),
        mean_wind=("wind_speed", "mean"), destinations=("destination", "nunique"),
    )  # fmt: skip
    table.to_parquet(target / "pandas.parquet")
    return int(table.flights.sum())
