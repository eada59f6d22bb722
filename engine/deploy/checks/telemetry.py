"""Runs the demo's night with a `cuadre`, the first argument, in a folder, the second, and has those read what it
tells machines who are to read it: run events by the JSON Schemas of OpenLineage, metrics by Prometheus' own parser."""

import json
import subprocess
import sys
from pathlib import Path

from jsonschema import Draft202012Validator
from prometheus_client.parser import text_string_to_metric_families
from referencing import Registry, Resource

cuadre, folder = Path(sys.argv[1]).absolute(), Path(sys.argv[2]) / "demo"
published = Path(__file__).parents[3] / "tests/suite/telemetry/openlineage.json"
schemas = json.loads(published.read_text())["schemas"]
registry = Registry().with_resources([(schema["$id"], Resource.from_contents(schema)) for schema in schemas])


def run(*args, ends):
    done = subprocess.run([cuadre, *args], cwd=folder.parent, capture_output=True, text=True)
    assert done.returncode == ends, done.stderr


def hold(url, value):
    Draft202012Validator({"$ref": url}, registry=registry).validate(value)


def facets(value):
    """Every facet in an event."""
    if isinstance(value, dict):
        if "_schemaURL" in value:
            yield value
        for member in value.values():
            yield from facets(member)
    elif isinstance(value, list):
        for item in value:
            yield from facets(item)


run("demo", folder, ends=3)
config = (folder / "cuadre.toml").read_text()
told = '[telemetry]\nlineage = "events.jsonl"\nmetrics = "night.prom"\n\n'
(folder / "told.toml").write_text(config.replace("[signing]", f"{told}[signing]", 1))
arguments = ["--config", folder / "told.toml", "--date", "2026-11-20", "--filings", folder / "again"]
run("run", *arguments, ends=3)

events = [json.loads(line) for line in (folder / "events.jsonl").read_text().splitlines()]
assert [event["eventType"] for event in events] == ["START", "COMPLETE"], events
for event in events:
    hold(event["schemaURL"], event)
    for facet in facets(event):
        hold(facet["_schemaURL"], facet)
assert len(list(facets(events[1]))) > 100

families = {family.name: family for family in text_string_to_metric_families((folder / "night.prom").read_text())}
assert all(family.type == "gauge" for family in families.values()), families
assert families["cuadre_run_exit_code"].samples[0].value == 3
assert len(families["cuadre_source_records"].samples) == 15
