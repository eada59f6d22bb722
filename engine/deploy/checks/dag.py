"""Has Airflow itself load the DAG and run it, with a `cuadre` that ends as told, and holds its tasks' ends
and what people are told against the contract of exit codes. In a home of its own: the first argument."""

import datetime
import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

HOME = Path(sys.argv[1])
DAG = Path(__file__).parent.parent / "airflow_dag.py"
TOOLS = HOME / "tools"

os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__LOGGING__LOGGING_LEVEL": "CRITICAL",
    "PATH": f"{TOOLS}:{os.environ['PATH']}",
}
subprocess.run([f"{sys.prefix}/bin/airflow", "db", "migrate"], check=True, capture_output=True)

import pendulum  # noqa: E402
from airflow.dag_processing.bundles.manager import DagBundlesManager  # noqa: E402
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db  # noqa: E402
from airflow.sdk.exceptions import AirflowFailException  # noqa: E402


def tool(name, text):
    TOOLS.mkdir(parents=True, exist_ok=True)
    (TOOLS / name).write_text(f"#!/bin/sh\n{text}\n")
    (TOOLS / name).chmod(0o755)


def lines(name):
    """What was written to a file since it was read last, line by line."""
    path = HOME / name
    text = path.read_text() if path.exists() else ""
    path.unlink(missing_ok=True)
    return text.splitlines()


DagBundlesManager().sync_bundles_to_db()
bag = DagBag(DAG)
assert not bag.import_errors, bag.import_errors
sync_bag_to_db(bag, "dags-folder", None)
dag = bag.dags["cuadre"]
night = sys.modules[dag.task_dict["run_night"].python_callable.__module__]
night.ALERT = str(TOOLS / "alert")
tool("alert", f'echo "$1" >>{HOME}/told')
assert (dag.catchup, dag.max_active_runs) == (False, 1)

TODAY = pendulum.now(night.TIME_ZONE).to_date_string()


def context(date):
    return {"params": {"business_date": date}}


def end_of(task, exit_code, date):
    """How a task ends whose `cuadre` ends with `exit_code`, and what is told."""
    tool("cuadre", f'echo "$*" >>{HOME}/commands\nexit {exit_code}')
    try:
        ended = dag.task_dict[task].python_callable(**context(date))
    except (AirflowFailException, night.PassingFault) as error:
        ended = type(error).__name__
    return ended, lines("told")


CASES = [
    # business date, exit, how the task ends, told by then
    (TODAY, 0, 0, []),
    (TODAY, 3, 3, []),
    (TODAY, 4, "AirflowFailException", ["4"]),
    (TODAY, 5, "AirflowFailException", ["5"]),
    (TODAY, 64, "AirflowFailException", ["64"]),
    (TODAY, 70, "AirflowFailException", ["70"]),
    (TODAY, 75, "PassingFault", []),
    (TODAY, 78, "AirflowFailException", ["78"]),
    # The deadline has passed.
    ("2026-11-01", 75, "AirflowFailException", ["75"]),
    ("2026-11-01", 3, 3, []),
]
for date, exit_code, ended, told in CASES:
    assert end_of("run_night", exit_code, date) == (ended, told), (date, exit_code)
commands = lines("commands")
assert commands[-1] == f"run --config {night.CONFIG} --date 2026-11-01 --filings {night.FILINGS} --wait", commands
assert end_of("verify_series", 0, TODAY) == (None, [])
assert end_of("verify_series", 5, TODAY) == ("AirflowFailException", ["5"])
commands = lines("commands")
assert commands == [f"verify --through {TODAY} {night.FILINGS}"] * 2, commands

# A worker that has no cuadre.
(TOOLS / "cuadre").unlink()
try:
    dag.task_dict["run_night"].python_callable(**context(TODAY))
    raise AssertionError("nothing was said")
except AirflowFailException:
    assert lines("told") == [""], "a person is called at once"

# The day before the end of the interval, in the institution's time zone.
for end, date in [("2026-11-21T08:00:00Z", "2026-11-20"), ("2026-11-21T05:59:00Z", "2026-11-19")]:
    given = {"params": {"business_date": None}, "data_interval_end": datetime.datetime.fromisoformat(end)}
    assert night.business_date(given) == date, end

# What fails without having said so calls a person, too; what has said so does not call twice.
night.out_of_tries({"exception": night.PassingFault("cuadre run: exit 75")})
night.out_of_tries({"exception": AirflowFailException("cuadre run: exit 4")})
assert lines("told") == [""], "one call"

# A whole night in Airflow: filed partial, told, verified; then one that is not filed.
for ends, states, told in [
    ("[ $1 = verify ] || exit 3", ["success", "success", "success"], ["3"]),
    ("exit 0", ["success", "success", "skipped"], []),
    ("exit 4", ["failed", "upstream_failed", "upstream_failed"], ["4"]),
]:
    tool("cuadre", ends)
    done = dag.test(run_conf={"business_date": TODAY})
    got = {instance.task_id: str(instance.state) for instance in done.get_task_instances()}
    assert [got[task] for task in ("run_night", "verify_series", "tell_of_gaps")] == states, (ends, got)
    assert lines("told") == told, ends
print(f"airflow {version('apache-airflow-core')}: {len(CASES) + 9} passed, 0 failed")
