"""The API process loads neither LangGraph nor LangChain, nor any model SDK."""

import subprocess
import sys

from tests.chassis.unit.test_settings import VALID

HEAVY = ("langgraph", "langchain", "langchain_core", "langchain_openai", "openai", "langsmith", "tiktoken")
SCRIPT = """
import sys
from chassis.http.app import create_app
from chassis.settings_loader import load_settings
from chassis.wiring import load_agent, open_container
import chassis.commands.serve
settings = load_settings({environ!r})
app = create_app(settings, load_agent(), lambda: open_container(settings))
app.openapi()
print(sorted(set(sys.modules) & set({heavy!r})))
"""


def test_the_api_process_is_light() -> None:
    script = SCRIPT.format(environ=VALID, heavy=HEAVY)
    done = subprocess.run(
        [sys.executable, "-c", script], env={"PYTHONPATH": "src"}, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr
