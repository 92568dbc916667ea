"""Serves the sample agent and dies between the commit of a run and its answer: `python -m tests.support.crashing_api`."""

import os
from uuid import UUID

import uvicorn
from tests.support.sample_agent import SAMPLE

from chassis.http.app import create_app
from chassis.settings_loader import load_settings
from chassis.wiring import open_container


class DeadlyQueue:
    """Is told after the commit, and before the answer."""

    async def publish(self, _run_id: UUID) -> None:
        os._exit(13)

    async def check(self) -> None:
        """Be there, as far as probes can tell."""


if __name__ == "__main__":
    settings = load_settings()
    app = create_app(settings, SAMPLE, lambda: open_container(settings, agent=SAMPLE, queue=DeadlyQueue()))  # type: ignore[arg-type]
    uvicorn.run(app, host=settings.http.host, port=settings.http.port, log_config=None, access_log=False)
