#!/usr/bin/env python3
"""Both sides in one PostgreSQL: how fast they can be read at all, and how fast each peer compares them.

    tests/benches/warehouse.py [ROWS] [--runs K] [--peers FOLDER] [--cuadre BINARY [--config TEMPLATE]]

Starts a throw-away server, makes ROWS movements (1,000,000) in src_movements and their copies, with
known differences and in another order, in wh_movements, and measures, K times (3) in turn:

- psql's \\copy of one side to /dev/null, as text and in binary: the least that a reader can do;
- reladiff 0.6.0, comparing both sides as it would two databases (hashdiff), as it comes and with the
  best settings found for this work, and by a join, which it can where both are in one database;
- Google's Data Validation Tool 8.10.0, `validate row --hash '*'`;
- cuadre, `run --only end-to-end --json`, where a binary is given. In TEMPLATE (warehouse.toml)
  @HOST@, @PORT@, @USER@, @PASSWORD@, @DATABASE@ and @URL@ stand for the server's.

Every tool that counts differences must count those that were planted. Prints medians of the seconds,
their ratios to \\copy as text, and the highest peak memory of each client process.

FOLDER (peers, in the temporary folder) gets a virtual environment for each peer on the first run.
Needs: PostgreSQL's server and client, GNU time, the network for the first run.
"""

import argparse
import glob
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATE = "2026-11-20"
HERE = Path(__file__).resolve().parent
PEERS = {
    "reladiff": ["reladiff[postgresql]==0.6.0"],
    # Its ibis 7 imports pkg_resources, which newer environments and setuptools are without.
    "dvt": ["google-pso-data-validator==8.10.0", "setuptools<81"],
}
# A machine of a few GB, and a server that is not disturbed by its own housekeeping.
SETTINGS = "shared_buffers = 512MB\nmax_wal_size = 8GB\nmaintenance_work_mem = 256MB"

COLUMNS = {
    "source": "text", "movement_id": "text primary key", "business_date": "date", "booked_at": "timestamptz",
    "account": "text", "customer": "text", "branch": "text", "kind": "text", "currency": "char(3)",
    "amount": "numeric(18, 2)", "counterparty": "text", "reference": "text", "description": "text",
}

# One movement, from its number: unlike neighbours, the same on every machine.
MOVEMENT = f"""
    'S' || lpad((1 + i % 15)::text, 2, '0') as source,
    'S' || lpad((1 + i % 15)::text, 2, '0') || '-' || lpad((i * 2654435761 % 100000000000000)::text, 14, '0')
        as movement_id,
    date '{DATE}' as business_date,
    timestamptz '{DATE} 06:00:00+00' + (i * 7919 % 86400000) * interval '1 millisecond' as booked_at,
    'AC' || lpad((i * 7368787 % 3000017)::text, 9, '0') as account,
    'CU' || lpad((i * 15485863 % 1000003)::text, 8, '0') as customer,
    lpad((1 + i * 104729 % 211)::text, 3, '0') as branch,
    (array['DISBURSEMENT', 'PAYMENT', 'FEE', 'TRANSFER_IN', 'TRANSFER_OUT', 'CASH_IN', 'CASH_OUT'])[1 + i * 31 % 7]
        as kind,
    case when i % 20 = 0 then 'USD' else 'MXN' end as currency,
    ((i * 49979687 % 500000003) - 100000000)::numeric / 100 as amount,
    case when i % 3 = 0 then null else 'Comercializadora Núñez ' || i * 86028121 % 50021 end as counterparty,
    case when i % 5 = 0 then null else 'REF' || lpad((i * 32452843 % 10000019)::text, 10, '0') end as reference,
    'Movimiento de la operación ' || i * 67867967 % 1000003 || ' en sucursal ' || 1 + i * 104729 % 211
        as description"""

# How the copies differ: some 1 in 10,000 is missing, some 1 in 10,000 has a changed amount, and some
# 1 in 10,000 is one too many. No number is two of these.
STEP, MISSING, CHANGED, EXTRA = 10007, 1, 2, 3


def planted(rows):
    """The numbers of rows that are missing in, changed in, and too many in the warehouse."""
    return {kind: len(range(first, rows + 1, STEP)) for kind, first in
            [("missing", MISSING), ("changed", CHANGED), ("extra", EXTRA)]}


def make(server, rows):
    """Fills both tables; the copies lie in another order, as those of a warehouse do."""
    step = next(step for step in range(rows * 5 // 8 + 1, rows * 2) if math.gcd(step, rows) == 1)
    columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
    server.sql(f"""
        create table src_movements ({columns});
        insert into src_movements select {MOVEMENT} from generate_series(1, {rows}::bigint) i;
        create table wh_movements ({columns});
        insert into wh_movements
        select source, movement_id, business_date, booked_at, account, customer, branch, kind, currency,
            case when i % {STEP} = {CHANGED} then amount + 0.01 else amount end, counterparty, reference, description
        from (select i, {MOVEMENT}
              from (select 1 + n * {step} % {rows} as i from generate_series(1, {rows}::bigint) n) n) m
        where i % {STEP} <> {MISSING};
        insert into wh_movements
        select source, movement_id || 'X', business_date, booked_at, account, customer, branch, kind, currency, amount,
            counterparty, reference, description
        from (select i, {MOVEMENT} from generate_series({EXTRA}, {rows}::bigint, {STEP}) i) m;
        vacuum analyze src_movements;
        vacuum analyze wh_movements;""")


class Server:
    """A throw-away PostgreSQL, kept as those of the tests are."""

    user = password = "tests"

    def __init__(self, port):
        bins = glob.glob("/usr/lib/postgresql/*/bin")
        newest = sorted(bins, key=lambda path: int(path.split("/")[-2]))[-1:]
        self.path = os.pathsep.join(newest + [os.environ["PATH"]])
        self.port = port
        self.folder = tempfile.mkdtemp(prefix="cuadre-server-")
        scripts = HERE.parent / "src/servers"
        script = "".join((scripts / name).read_text() for name in ["postgres.sh", "keeper.sh"])
        env = {"PATH": self.path, "LC_ALL": "C", "FOLDER": self.folder, "PORT": str(port)}
        env.update(SETTINGS=SETTINGS, TLS="")
        self.keeper = subprocess.Popen(["/bin/sh", "-c", script], env=env, text=True, start_new_session=True,
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.keeper.stdin.write("start\n")
        self.keeper.stdin.flush()
        if self.keeper.stdout.readline() != "done\n":
            sys.exit("the server does not start:\n" + Path(self.folder, "log").read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.keeper.stdin.close()
        self.keeper.wait()

    def psql(self, *args):
        """A command line of psql by TCP, as the peers connect."""
        return ["psql", "-Xq", "-v", "ON_ERROR_STOP=1", self.url("postgresql"), *args]

    def sql(self, script):
        done = subprocess.run(self.psql(), input=script, text=True, capture_output=True, env=self.env())
        if done.returncode:
            sys.exit(done.stderr)
        return done.stdout

    def url(self, scheme):
        return f"{scheme}://{self.user}:{self.password}@127.0.0.1:{self.port}/postgres"

    def env(self, **more):
        return {**os.environ, "PATH": self.path, **more}


def install(folder):
    """A virtual environment for each peer, with these very versions."""
    for peer, packages in PEERS.items():
        made = folder / peer / "made"
        if not made.exists() or made.read_text() != repr(packages):
            shutil.rmtree(folder / peer, ignore_errors=True)
            subprocess.run([sys.executable, "-m", "venv", folder / peer], check=True)
            subprocess.run([folder / peer / "bin/pip", "install", "-q", *packages], check=True)
            made.write_text(repr(packages))


def copy(form):
    return lambda server, _: (server.psql("-c", rf"\copy (select * from src_movements) to '/dev/null' {form}"), {})


def reladiff(*options):
    def command(server, given):
        compared = [word for name in COLUMNS if name != "movement_id" for word in ("-c", name)]
        return [given.peers / "reladiff/bin/reladiff", server.url("postgresql"), "src_movements",
                server.url("postgresql"), "wh_movements", "-k", "movement_id", *compared, "-a", *options,
                "--json"], {"COLUMNS": "10000"}  # or it breaks its lines, within a word of JSON too
    return command


def reladiff_counts(stdout):
    """Each difference is a line: `-` of a row of the source, `+` of the warehouse; a change is both."""
    keys = {"-": set(), "+": set()}
    for line in stdout.splitlines():
        sign, row = json.loads(line)
        keys[sign].add(row[0])
    return {"missing": len(keys["-"] - keys["+"]), "extra": len(keys["+"] - keys["-"]),
            "changed": len(keys["-"] & keys["+"])}


def dvt(server, given):
    home = Path(server.folder, "dvt")
    tool, env = given.peers / "dvt/bin/data-validation", {"PSO_DV_CONN_HOME": str(home)}
    if not home.exists():
        home.mkdir()
        subprocess.run([tool, "connections", "add", "-c", "bench", "Postgres", "--host", "127.0.0.1", "--port",
                        str(server.port), "--user", server.user, "--password", server.password, "--database",
                        "postgres"], check=True, env=server.env(**env), capture_output=True)
    return [tool, "validate", "row", "-sc", "bench", "-tc", "bench", "-tbls",
            "public.src_movements=public.wh_movements", "-pk", "movement_id", "--hash", "*",
            "--filter-status", "fail", "--format", "json"], env


def dvt_counts(stdout):
    """It says of each row that fails just that."""
    return {"failing": len(json.loads(stdout))}


# ---- cuadre ----------------------------------------------------------------------------------------
# The configuration is made from TEMPLATE: see above for what stands for the server's.


def cuadre(server, given):
    config = Path(server.folder, "cuadre.toml")
    text = given.config.read_text()
    for place, value in [("HOST", "127.0.0.1"), ("PORT", str(server.port)), ("USER", server.user),
                         ("PASSWORD", server.password), ("DATABASE", "postgres"), ("URL", server.url("postgres"))]:
        text = text.replace(f"@{place}@", value)
    config.write_text(text)
    return [given.cuadre, "run", "--only", "end-to-end", "--config", config, "--date", DATE, "--json"], {}


def cuadre_counts(stdout):
    sources = json.loads(stdout)["endToEnd"]
    names = {"missing": "missingInWarehouse", "extra": "missingInSource", "changed": "changed"}
    return {kind: sum(source[name] for source in sources) for kind, name in names.items()}


# ----------------------------------------------------------------------------------------------------


def timed(server, command, env, counts, expected, codes):
    """Runs a command: seconds and the process's peak memory in MiB, after looking at its counts."""
    said = Path(server.folder, "time")
    started = time.monotonic()
    # GNU time has next to no memory of its own, which the process would have from this one.
    done = subprocess.run(["time", "-q", "-f", "%M", "-o", said, *command], env=server.env(**env), text=True,
                          stdin=subprocess.DEVNULL, capture_output=True)
    seconds = time.monotonic() - started
    if done.returncode not in codes:
        sys.exit(f"{command[0]} ends with {done.returncode}:\n{done.stderr[-4000:]}")
    if counts:
        counted = counts(done.stdout)
        wanted = {"failing": sum(expected.values())} if "failing" in counted else expected
        if counted != wanted:
            sys.exit(f"{command[0]} counts {counted}, planted are {wanted}\n{done.stderr[-4000:]}")
    return seconds, int(said.read_text()) / 1024


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("rows", nargs="?", type=int, default=1_000_000)
    args.add_argument("--runs", type=int, default=3)
    args.add_argument("--peers", type=Path, default=Path(tempfile.gettempdir(), "cuadre-peers"))
    args.add_argument("--port", type=int, default=25432)
    args.add_argument("--cuadre", type=lambda path: Path(path).resolve())
    args.add_argument("--config", type=Path, default=HERE / "warehouse.toml")
    given = args.parse_args()
    install(given.peers)

    # What it is called, how to run it, what it counts, the exit codes of a good run.
    work = [
        (r"psql \copy of one side, text", copy(""), None, [0]),
        (r"psql \copy of one side, binary", copy("(format binary)"), None, [0]),
        ("reladiff 0.6.0, hashdiff", reladiff("hashdiff"), reladiff_counts, [0]),
        ("reladiff 0.6.0, hashdiff, 4 threads, larger segments",
         reladiff("hashdiff", "-j", "4", "--bisection-factor", "10", "--bisection-threshold", "100000"),
         reladiff_counts, [0]),
        ("reladiff 0.6.0, joindiff", reladiff("joindiff"), reladiff_counts, [0]),
        ("DVT 8.10.0, validate row --hash '*'", dvt, dvt_counts, [0]),
    ]
    if given.cuadre:
        work.append(("cuadre, end to end alone", cuadre, cuadre_counts, [3]))

    with Server(given.port) as server:
        make(server, given.rows)
        expected = planted(given.rows)
        version = server.sql("\\t on\nshow server_version").split()[0]
        spent = {name: [] for name, *_ in work}
        for _ in range(given.runs):
            for name, command, counts, codes in work:
                spent[name].append(timed(server, *command(server, given), counts, expected, codes))
    print(f"{given.rows} movements a side, PostgreSQL {version}, {os.cpu_count()} cores, planted {expected}, "
          f"medians of {given.runs} runs in turn")
    print("| work | seconds | ratio | peak MiB |")
    print("|---|---|---|---|")
    least = statistics.median(seconds for seconds, _ in next(iter(spent.values())))
    for name, runs in spent.items():
        seconds = statistics.median(seconds for seconds, _ in runs)
        print(f"| {name} | {seconds:.2f} | {seconds / least:.2f} | {max(peak for _, peak in runs):.0f} |")


if __name__ == "__main__":
    main()
