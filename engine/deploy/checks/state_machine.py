"""Runs the state machine in the interpreter of moto, with a container that ends as told, and holds what
people are told and what comes of it against the contract of exit codes. Offline; no pause is waited."""

import datetime
import json
import logging
import re
import time
from pathlib import Path

import boto3
import botocore.session
from botocore.validate import ParamValidator
from jsonata.jsonata import Jsonata
from moto import mock_aws
from moto.stepfunctions.parser.asl.component.common.error_name.custom_error_name import CustomErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.failure_event import (
    FailureEvent,
    FailureEventException,
)
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service import (
    state_task_service_ecs as ecs,
    state_task_service_sns as sns,
)
from moto.stepfunctions.parser.asl.component.state.wait.wait_function.wait_function import WaitFunction
from moto.stepfunctions.parser.asl.eval.event.event_detail import EventDetails
from moto.stepfunctions.parser.asl.jsonata import jsonata
from moto.stepfunctions.parser.api import HistoryEventType, TaskFailedEventDetails

DEFINITION = Path(__file__).parent.parent / "stepfunctions.asl.json"
logging.disable(logging.CRITICAL)
MEXICO = datetime.timezone(datetime.timedelta(hours=-6))


class World:
    """What the state machine meets: how each container ends, in order; and what it did."""

    def __init__(self, ends):
        self.ends, self.commands, self.told, self.pauses = list(ends), [], [], []

    def container(self, env, arguments):
        arguments = checked("ecs", "RunTask", in_lower_camel_case(arguments))
        [container] = arguments["overrides"]["containerOverrides"]
        self.commands.append(container["command"])
        end = self.ends.pop(0)
        if end == 0:
            return {"LastStatus": "STOPPED", "Containers": [{"Name": "cuadre", "ExitCode": 0}]}
        # What ECS says of a stopped task, a sidecar first; words instead of JSON where no task came to be.
        error, cause = end if isinstance(end, tuple) else ("States.TaskFailed", stopped(end))
        details = EventDetails(taskFailedEventDetails=TaskFailedEventDetails(error=error, cause=cause))
        kind = HistoryEventType.TaskFailed
        name = (
            StatesErrorName(StatesErrorNameType.StatesTaskFailed)
            if error == "States.TaskFailed"
            else CustomErrorName(error)
        )
        raise FailureEventException(FailureEvent(env, name, kind, details))

    def publish(self, arguments):
        checked("sns", "Publish", arguments)
        self.told.append((arguments["TopicArn"], arguments["Subject"], arguments["Message"]))
        return {"MessageId": "1"}


def stopped(exit_code):
    sidecar = {"Name": "logs", "ExitCode": 0, "LastStatus": "STOPPED"}
    container = {"Name": "cuadre", "LastStatus": "STOPPED"}
    reason = {"StopCode": "TaskFailedToStart", "StoppedReason": "CannotPullContainerError: \"away\""}
    if exit_code is not None:
        container["ExitCode"] = exit_code
        reason = {"StopCode": "EssentialContainerExited", "StoppedReason": "Essential container in task exited"}
    return json.dumps({"Containers": [sidecar, container], "LastStatus": "STOPPED", **reason})


def checked(service, operation, arguments):
    """The arguments against the service's own model: names, types, what is required."""
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(arguments, shape)
    assert not report.has_errors(), report.generate_report()
    return arguments


def in_lower_camel_case(value):
    """Step Functions writes every name with a capital; ECS has none."""
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: in_lower_camel_case(part) for name, part in value.items()}
    return [in_lower_camel_case(part) for part in value] if isinstance(value, list) else value


def evaluate(expression):
    """JSONata with the functions that Step Functions adds: moto has no evaluator of its own."""
    expression = Jsonata(expression)
    expression.register_lambda("parse", json.loads)
    return expression.evaluate(None)


def run(ends, given):
    """An execution with `given` as input: the world afterwards, its status, and the cause of its failure."""
    world = World(ends)

    def starts(self, env, normalised_parameters, **_):
        env.stack.append(world.container(env, normalised_parameters))

    def publishes(self, env, normalised_parameters, **_):
        env.stack.append(world.publish(normalised_parameters))

    def ended(self, env, **_):
        description = env.stack.pop()
        return lambda: description

    ecs.StateTaskServiceEcs._eval_service_task = starts
    ecs.StateTaskServiceEcs._build_sync_resolver = ended
    sns.StateTaskServiceSns._eval_service_task = publishes
    WaitFunction._wait_interval = lambda self, env, wait_seconds: world.pauses.append(wait_seconds)
    jsonata._eval_jsonata = evaluate
    with mock_aws(config={"stepfunctions": {"execute_state_machine": True}}):
        client = boto3.client("stepfunctions", "us-east-1", aws_access_key_id="-", aws_secret_access_key="-")
        role = "arn:aws:iam::123456789012:role/cuadre"
        machine = client.create_state_machine(name="cuadre", definition=definition(), roleArn=role)
        started = client.start_execution(stateMachineArn=machine["stateMachineArn"], input=json.dumps(given))
        while (done := client.describe_execution(executionArn=started["executionArn"]))["status"] == "RUNNING":
            time.sleep(0.02)
    return world, done["status"], done.get("cause", "")


def definition():
    """The definition with something in place of what is to be filled in."""
    return re.sub(r"\$\{(\w+)\}", lambda name: f"the-{name[1]}", DEFINITION.read_text())


AWAY = None
REFUSED = ("ECS.AccessDeniedException", "not authorized to perform: ecs:RunTask")
CAPACITY = ("AmazonECS.Unknown", "Capacity is unavailable at this time")
YESTERDAY = (datetime.datetime.now(MEXICO) - datetime.timedelta(days=1)).strftime("%Y-%m-%d")
TODAY = datetime.datetime.now(MEXICO).strftime("%Y-%m-%d")

# How each container ends, run and verify in turn; what is told, and to whom; what comes of it.
CASES = [
    # business date, ends,                             told,              status
    (TODAY, [0, 0], [], "SUCCEEDED"),
    (TODAY, [3, 0], [("Notice", 3)], "SUCCEEDED"),
    (TODAY, [4], [("Call", 4)], "FAILED"),
    (TODAY, [5], [("Call", 5)], "FAILED"),
    (TODAY, [64], [("Call", 64)], "FAILED"),
    (TODAY, [70], [("Call", 70)], "FAILED"),
    (TODAY, [78], [("Call", 78)], "FAILED"),
    (TODAY, [137], [("Call", 137)], "FAILED"),
    (TODAY, [0, 5], [("Call", 5)], "FAILED"),
    (TODAY, [3, 5], [("Notice", 3), ("Call", 5)], "FAILED"),
    (TODAY, [0, 3], [("Call", 3)], "FAILED"),
    (TODAY, [75, 75, 75, 75, 0, 75, 0], [], "SUCCEEDED"),
    (TODAY, [75, AWAY, CAPACITY, 3, 0], [("Notice", 3)], "SUCCEEDED"),
    (TODAY, [REFUSED], [("Call", None)], "FAILED"),
    # The deadline has passed.
    ("2026-11-01", [75], [("Call", 75)], "FAILED"),
    ("2026-11-01", [AWAY], [("Call", None)], "FAILED"),
    ("2026-11-01", [0, 0], [], "SUCCEEDED"),
]


def main():
    for date, ends, told, status in CASES:
        world, got, cause = run(ends, {"businessDate": date})
        shown = [(topic.removeprefix("the-").removesuffix("Topic"), subject) for topic, subject, _ in world.told]
        words = {None: "no exit code"}
        expected = [(who, f"Cuadre {date}: {words.get(code, f'exit {code}')}") for who, code in told]
        assert (got, shown, world.ends) == (status, expected, []), (date, ends, got, cause, world.told, world.ends)
        assert all(message.startswith(("cuadre ", date)) for _, _, message in world.told), world.told
        assert world.pauses == [60, 120, 240, 300, 300][: len(world.pauses)], world.pauses
        assert len(world.pauses) == len(world.commands) - 1 - (0 in ends[:-1] or 3 in ends[:-1]), world.pauses
    world, _, _ = run([0, 0], {})
    series, config = "the-Filings", "the-Config"
    assert world.commands == [
        ["run", "--config", config, "--date", YESTERDAY, "--filings", series, "--wait"],
        ["verify", "--through", YESTERDAY, series],
    ], world.commands
    # The day before, in Mexico City: whatever the time in UTC.
    plan = json.loads(DEFINITION.read_text())["States"]["Plan"]["Assign"]["businessDate"]
    for start, date in [("2026-11-21T05:59:00.123Z", "2026-11-19"), ("2026-11-21T08:00:00Z", "2026-11-20")]:
        states = {"input": {}, "context": {"Execution": {"StartTime": start}}}
        assert Jsonata(plan[2:-2]).evaluate(None, {"states": states}) == date, start
    print(f"state machine: {len(CASES) + 3} passed, 0 failed")


if __name__ == "__main__":
    main()
