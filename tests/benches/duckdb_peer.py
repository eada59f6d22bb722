"""The peer of night.rs: the same question by an expert's query.

usage: duckdb_peer.py NIGHT parquet|csv THREADS [REPORT_FOLDER]

Counts what differs; with REPORT_FOLDER also writes report.csv and report.parquet of the sources.
"""
import os
import sys

import duckdb

night, form, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
db = duckdb.connect()
db.execute(f"set threads = {threads}")
pattern = f"{night}/landing/*/*/movements.{form}"
if form == "csv":
    types = "{'amount': 'DECIMAL(18,2)', 'branch': 'SMALLINT', 'booked_at': 'TIMESTAMP'}"
    source = f"read_csv('{pattern}', types = {types})"
else:
    source = f"read_parquet('{pattern}')"
if len(sys.argv) > 4:
    db.execute(f"create temp table source as from {source}")  # read once, used three times
    source = "source"
compared = ["account_id", "customer_id", "branch", "booked_at", "kind", "currency", "amount"]
differs = " or ".join(f"s.{name} is distinct from w.{name}" for name in compared)
print(
    db.execute(f"""
        select count_if(w.movement_id is null), count_if(s.movement_id is null),
               count_if(s.movement_id is not null and w.movement_id is not null)
        from {source} s
        full join read_parquet('{night}/warehouse/*.parquet') w using (source_id, movement_id)
        where s.movement_id is null or w.movement_id is null or {differs}""").fetchone(),
    file=sys.stderr,
)
if len(sys.argv) > 4:
    os.makedirs(sys.argv[4], exist_ok=True)
    for name, options in [("report.csv", "format csv, header"), ("report.parquet", "format parquet, compression zstd")]:
        db.execute(f"copy (from {source}) to '{sys.argv[4]}/{name}' ({options})")
