"""What the commands for services print as JSON is what the schemas in docs/schemas say."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]  # ships no types
from agents import Ran
from deployed_project import DeployedProject

SCHEMAS = Path(__file__).parents[3] / "docs" / "schemas"


def check(ran: Ran, name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    jsonschema.validate(ran.document, schema)
    assert ran.document["exit_code"] == ran.code


def test_documents_keep_to_their_schemas(shop: DeployedProject) -> None:
    check(shop.run("status"), "status")
    check(shop.run("agent", "status"), "agent")
    check(shop.run("stop", "api"), "deploy")
    check(shop.run("deploy", "--plan"), "deploy")
    check(shop.run("deploy"), "deploy")
    check(shop.run("deploy"), "deploy")
    check(shop.run("status"), "status")
    check(shop.run("agent", "status"), "agent")
    check(shop.run("logs", "worker"), "logs")
    check(shop.run("logs", "worker", "--follow"), "logs")
    check(shop.run("logs", "wroker"), "logs")
    shop.write("api/main.py", "app = None\n")
    check(shop.run("deploy"), "deploy")
    check(shop.run("restart", "api"), "deploy")
    check(shop.run("rollback", "api"), "deploy")
    check(shop.run("deploy", "apo"), "deploy")
    check(shop.run("stop", "--all"), "deploy")
    check(shop.run("agent", "stop"), "agent")
