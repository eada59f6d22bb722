"""Cuadre's night as a DAG of Airflow 2.10 and later, 3 included: run, tell people, verify.

Fill in the constants. `cuadre` and `alert` must be on the worker that runs these tasks.
"""

from __future__ import annotations

import subprocess
from datetime import timedelta

import pendulum

try:
    from airflow.sdk import DAG, Param, task
    from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException
except ImportError:  # Airflow 2
    from airflow import DAG
    from airflow.decorators import task
    from airflow.exceptions import AirflowFailException, AirflowSkipException
    from airflow.models.param import Param

TIME_ZONE = pendulum.timezone("America/Mexico_City")
DEADLINE = "06:00"  # as in the configuration: on the day after the business date
CONFIG = "/etc/cuadre/cuadre.toml"
FILINGS = "/var/lib/cuadre/filings"
ALERT = "/usr/local/lib/cuadre/alert"

DONE, PARTIAL, PASSING_FAULT = 0, 3, 75


class PassingFault(Exception):
    """What a task is tried again for."""


def business_date(context) -> str:
    """The day before the data interval's end, or the one that somebody who triggers the DAG asks for."""
    if context["params"]["business_date"]:
        return context["params"]["business_date"]
    end = context.get("data_interval_end") or context["dag_run"].run_after
    return pendulum.instance(end).in_timezone(TIME_ZONE).subtract(days=1).to_date_string()


def cuadre(context, *words: str) -> int:
    """Runs `cuadre`; its exit code. A passing fault is tried again while there is time, nothing else is."""
    said = f"cuadre {words[0]} {business_date(context)}"
    try:
        code = subprocess.run(["cuadre", *words], check=False).returncode
    except OSError as error:
        alert("", said, str(error))
        raise AirflowFailException(f"{said}: {error}") from error
    if code in (DONE, PARTIAL):
        return code
    said += f": exit {code}"
    deadline = pendulum.parse(f"{business_date(context)}T{DEADLINE}", tz=TIME_ZONE).add(days=1)
    if code == PASSING_FAULT and pendulum.now(TIME_ZONE) < deadline:
        raise PassingFault(said)
    alert(code, said)
    raise AirflowFailException(said)


def alert(code: int | str, *words: str) -> None:
    subprocess.run([ALERT, str(code), *words], check=False)


def out_of_tries(context) -> None:
    """Calls a person where a task fails without having said so: retries used up, a worker that died."""
    exception = context.get("exception")
    if not isinstance(exception, AirflowFailException):
        alert("", str(exception))


with DAG(
    dag_id="cuadre",
    description="Waits for the sources of yesterday, files it, and verifies the series",
    schedule="40 2,5 * * *",  # in the time zone of start_date
    start_date=pendulum.datetime(2026, 1, 1, tz=TIME_ZONE),
    catchup=False,
    max_active_runs=1,
    params={"business_date": Param(None, type=["null", "string"], format="date")},
    default_args={
        "retries": 100,
        "retry_delay": timedelta(minutes=1),
        "retry_exponential_backoff": True,
        "max_retry_delay": timedelta(minutes=5),
        "execution_timeout": timedelta(hours=6),
        "on_failure_callback": out_of_tries,
    },
) as dag:

    @task
    def run_night(**context) -> int:
        words = ("run", "--config", CONFIG, "--date", business_date(context), "--filings", FILINGS, "--wait")
        return cuadre(context, *words)

    @task
    def verify_series(**context) -> None:
        cuadre(context, "verify", "--through", business_date(context), FILINGS)

    @task(retries=0, on_failure_callback=None)
    def tell_of_gaps(code: int, **context) -> None:
        if code != PARTIAL:
            raise AirflowSkipException("filed complete")
        alert(code, business_date(context))

    filed = run_night()
    filed >> verify_series()
    tell_of_gaps(filed)
