"""Accepting a run for a request: what all routes that do so ask for, and how they answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response
from starlette.responses import StreamingResponse

from chassis.container import Container
from chassis.http.assistants import require_assistant
from chassis.http.cancellation import cancelling
from chassis.http.dependencies import CallerDependency, ContainerDependency, feed_of, transaction
from chassis.http.followed import WhenLeft
from chassis.http.idempotency import IdempotencyDependency
from chassis.http.run_reads import run_out
from chassis.http.schemas import RunCreate, RunOut
from chassis.http.streaming import run_headers, stream_response, wait_response
from chassis.jobs.idempotency import Idempotency
from chassis.ports.identity import Principal
from chassis.runs.accept import RunRequest, accept
from chassis.runs.tables import Run


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A request for a run."""

    body: RunCreate
    request: Request
    caller: Principal
    container: Container
    idempotency: Idempotency

    async def accept(self, thread_id: UUID | None, default_modes: Sequence[str] = ()) -> Run:
        """Commit the run, then announce it; a request that is sent again gets the run it was accepted as."""
        body, container = self.body, self.container
        body.require_supported()
        require_assistant(container.agent, body.assistant_id)
        run_request = RunRequest(
            assistant_id=container.agent.assistant_id,
            kwargs={
                "input": body.input,
                "command": body.command,
                "config": body.config,
                "stream_mode": body.stream_modes or list(default_modes),
            },
            metadata=body.metadata,
            multitask_strategy=body.strategy,
            create_thread=body.if_not_exists == "create",
            time_limit_seconds=container.settings.runs.time_limit_seconds,
        )
        async with transaction(self.request) as session:
            earlier = await self.idempotency.earlier(session, self.caller)
            if earlier is not None:
                return await session.get_one(Run, earlier)
            run = await accept(session, container.kinds, self.caller, thread_id, run_request)
            await self.idempotency.remember(session, self.caller, run.run_id)
            return run

    def at_once(self, run: Run, response: Response) -> RunOut:
        """Answer that it was accepted."""
        response.headers.update(run_headers(run, "join") | self.idempotency.headers)
        return run_out(run)

    def when_ended(self, run: Run) -> StreamingResponse:
        """Answer with the thread's values when the run has ended."""
        new = not self.idempotency.replayed
        return self._marked(
            wait_response(self.container, feed_of(self.request), run, new=new, when_left=self._when_left(run))
        )

    def streamed(self, run: Run) -> StreamingResponse:
        """Answer with the run's events as they are written."""
        return self._marked(stream_response(feed_of(self.request), run, when_left=self._when_left(run)))

    def _marked(self, response: StreamingResponse) -> StreamingResponse:
        response.headers.update(self.idempotency.headers)
        return response

    def _when_left(self, run: Run) -> WhenLeft | None:
        """Give what is done when the client goes away before the end."""
        return cancelling(self.container, self.caller, run.run_id) if self.body.on_disconnect == "cancel" else None


async def _acceptance(
    body: RunCreate,
    request: Request,
    caller: CallerDependency,
    container: ContainerDependency,
    idempotency: IdempotencyDependency,
) -> Acceptance:
    return Acceptance(body, request, caller, container, idempotency)


AcceptanceDependency = Annotated[Acceptance, Depends(_acceptance)]
