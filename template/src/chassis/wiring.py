"""The only wiring: serve, work, the commands and the tests all get what they use from here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from opentelemetry.sdk.trace import TracerProvider

from chassis import selected
from chassis.agent_spec import AgentSpec
from chassis.audit.spool import AuditSpool
from chassis.container import Container
from chassis.db.engine import make_sessions, open_engine
from chassis.db.rotating import RotatingDatabase
from chassis.identity.roles import CHASSIS_ROLES, merge_roles
from chassis.import_strings import load_object
from chassis.jobs.accept import TASKS
from chassis.jobs.housekeeping import doing, forget_ended_tasks, hourly, kind_of_chore
from chassis.jobs.idempotency import forget_old_keys
from chassis.jobs.kinds import TaskKind
from chassis.jobs.tables import AGENT_RUN
from chassis.management.checks import secret_backend
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.checkpoints import Checkpoints
from chassis.ports.errors import UnavailableError
from chassis.ports.identity import Authenticator
from chassis.ports.live_events import LiveEvents
from chassis.ports.run_queue import RunQueue
from chassis.ports.secrets import Secret, SecretManager
from chassis.runs.forget import FORGET_THREAD, forgetting
from chassis.runs.kind import RunKind
from chassis.runs.model_seen import ModelCalls, note, probe
from chassis.secrets.cache import CachedSecretManager, CachePolicy
from chassis.secrets.placeholders import refuse_placeholder
from chassis.settings import Settings
from chassis.telemetry.measuring import measuring
from chassis.telemetry.metrics import SECRET_AGE
from chassis.telemetry.prices import PriceTable
from chassis.telemetry.scrub import SCRUBBER
from chassis.telemetry.tracing import export_to

if TYPE_CHECKING:
    from chassis.audit.keeper import Keeper
    from chassis.jobs.worker import Workshop

AGENT = "agent:AGENT"
INSTRUMENTATIONS = selected.INSTRUMENTATIONS
"""Of the libraries that the chosen adapters use, and that every process loads."""
# By import string, because the API process, which imports this module, must load none of them.
GRAPH_RUNNER = "chassis.runs.execute:GraphRunner"
PRUNING = "chassis.checkpoints.pruning:pruning"
OPEN_SERIALIZER = "chassis.checkpoints.serializer:open_serializer"
TASK_EXECUTION = "chassis.jobs.tasks:TaskExecution"
WORKSHOP = "chassis.jobs.worker:Workshop"
GRAPH_DEPENDENCIES = "chassis.api.graph:GraphDependencies"
PRUNE_LOGS = "chassis.runs.prune:prune_logs"
KEEPER = "chassis.audit.keeper:Keeper"
MODEL_ASKING = "chassis.runs.model_probe:asking"
SHIPPER = "chassis.audit.ship:Shipper"
MEASURE_LOG = "chassis.audit.measured:measure_log"
SIGNING_KEY = "chassis.audit.keys:signing_key"
BY_IMPORT_STRING = (
    GRAPH_RUNNER,
    GRAPH_DEPENDENCIES,
    KEEPER,
    MEASURE_LOG,
    MODEL_ASKING,
    OPEN_SERIALIZER,
    PRUNE_LOGS,
    PRUNING,
    SHIPPER,
    SIGNING_KEY,
    TASK_EXECUTION,
    WORKSHOP,
)


class Overrides(TypedDict, total=False):
    """What a test may put in place of the real thing."""

    agent: AgentSpec
    queue: RunQueue
    live_events: LiveEvents
    authenticator: Authenticator


def load_agent() -> AgentSpec:
    """Read the agent's specification, which loads nothing heavy."""
    spec: AgentSpec = load_object(AGENT)
    return spec


@asynccontextmanager
async def open_secret_manager(settings: Settings) -> AsyncIterator[SecretManager]:
    """Open the chosen secret backend, kept in memory; production accepts no placeholder from it."""

    def accept(secret: Secret) -> None:
        SCRUBBER.learn(secret.name, secret.reveal())
        if settings.environment == "production":
            refuse_placeholder(secret)

    async with selected.open_secret_backend(settings.secrets) as backend:
        policy = CachePolicy(ttl=settings.secret_cache.ttl_seconds, stale=settings.secret_cache.stale_seconds)
        manager = CachedSecretManager(backend, policy=policy, accept=accept)
        try:
            with SECRET_AGE.reading(manager.ages):
                yield manager
        finally:
            await manager.close()


@asynccontextmanager
async def exporting(settings: Settings, context: AdapterContext, provider: TracerProvider) -> AsyncIterator[None]:
    """Send traces to the chosen backend while the context is open."""
    if not settings.telemetry_backend.sends:  # then its client is not loaded either, which each start would wait for
        yield
        return
    open_exporter = load_object(selected.OPEN_SPAN_EXPORTER)
    async with (
        open_exporter(settings.telemetry_backend, context) as exporter,
        export_to(provider, exporter, SCRUBBER),
    ):
        yield


@asynccontextmanager
async def open_adapter_context(settings: Settings) -> AsyncIterator[AdapterContext]:
    """Open the secret backend, and with it the way to the database."""
    async with open_secret_manager(settings) as secrets:
        database = RotatingDatabase(settings.database, secrets)
        yield AdapterContext(database=database, secrets=secrets, service=settings.service.name)


@asynccontextmanager
async def open_container(settings: Settings, **overrides: Unpack[Overrides]) -> AsyncIterator[Container]:
    """Open every port that a process needs, in order, and close them in reverse."""
    agent = overrides.get("agent") or load_agent()
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(open_adapter_context(settings))
        engine = await stack.enter_async_context(open_engine(context.database, settings.database, context.service))

        async def port(name: str, opener: Any) -> Any:
            given: Any = overrides.get(name)
            return given if given is not None else await stack.enter_async_context(opener)

        tasks = {TASKS: frozenset(agent.tasks)}
        sessions = make_sessions(engine, settings.service.name, settings.service.version, **tasks)
        yield Container(
            settings=settings,
            agent=agent,
            roles=merge_roles(CHASSIS_ROLES, agent.roles),
            sessions=sessions,
            kinds={AGENT_RUN: RunKind(), **dict.fromkeys((*agent.tasks, FORGET_THREAD), TaskKind())},
            spool=AuditSpool(sessions, selected.AUDIT_SINK, settings.audit.spool_events),
            queue=await port("queue", selected.open_queue(settings.queue, context)),
            live_events=await port("live_events", selected.open_live_events(settings.state_store, context)),
            authenticator=await port("authenticator", selected.open_authenticator(settings.identity, context)),
            adapter_context=context,
        )


@asynccontextmanager
async def open_workshop(container: Container) -> "AsyncIterator[Workshop]":
    """Load and open what only a worker has: the checkpointer, the model, the agent's graph and tasks."""
    settings = container.settings
    open_model = load_object(selected.MODELS[settings.model.provider])
    # Runs mostly wait for a model, so fewer connections than runs will do.
    size = min(settings.runs.concurrency + 2, settings.database.pool_size)
    async with open_checkpoints(settings, container.adapter_context, size, container.agent.state_types) as checkpoints:
        with suppress(UnavailableError):  # it may come; until then runs are tried again
            await checkpoints.check()
        model = await open_model(settings.model, container.adapter_context)
        dependencies = load_object(GRAPH_DEPENDENCIES)(model=model, checkpointer=checkpoints.saver)
        graph = load_object(container.agent.graph)(dependencies)
        calls, prices = ModelCalls(settings.model.name), PriceTable(settings.telemetry.prices)
        runner = load_object(GRAPH_RUNNER)(
            graph,
            container.sessions,
            container.live_events,
            settings.runs,
            container.spool,
            checkpoints.require,
            prices,
            calls,
        )
        execution = load_object(TASK_EXECUTION)
        tasks = {
            name: partial(execution, load_object(task), container.sessions)
            for name, task in container.agent.tasks.items()
        }
        tasks[FORGET_THREAD] = partial(execution, forgetting(checkpoints.delete), container.sessions)
        chores = {
            "run_logs": doing(partial(load_object(PRUNE_LOGS), keep_days=settings.runs.keep_days)),
            "idempotency_keys": doing(partial(forget_old_keys, keep_seconds=settings.runs.idempotency_seconds)),
            "ended_tasks": doing(partial(forget_ended_tasks, keep_days=settings.runs.keep_days)),
            "checkpoints": load_object(PRUNING)(checkpoints, settings.checkpoints),
        }
        tasks |= {kind_of_chore(name): partial(execution, chore, container.sessions) for name, chore in chores.items()}
        schedules = {kind_of_chore(name): hourly(name) for name in chores}
        ask = load_object(MODEL_ASKING)(model, calls, prices)
        async with _model_watched(container, calls, ask):
            yield load_object(WORKSHOP)({AGENT_RUN: runner, **tasks}, {**container.agent.schedules, **schedules})


@asynccontextmanager
async def _model_watched(
    container: Container, calls: ModelCalls, ask: Callable[[], Awaitable[None]]
) -> AsyncIterator[None]:
    """Note how the model answers, and ask it where nobody else does and the settings say so."""
    settings, idle = container.settings, container.settings.model.probe_seconds
    async with AsyncExitStack() as stack:
        noting = measuring(settings.telemetry.measure_seconds, partial(note, container.sessions, calls))
        await stack.enter_async_context(noting)
        if idle is not None:
            await stack.enter_async_context(measuring(idle, partial(probe, container.sessions, calls, idle, ask)))
        yield


@asynccontextmanager
async def open_keeper(settings: Settings, traces: TracerProvider | None = None) -> "AsyncIterator[Keeper]":
    """Open what keeps the audit log: the database as the sealer's role, the signing key, and the sink; export `traces`."""
    async with AsyncExitStack() as stack:
        context = await stack.enter_async_context(open_adapter_context(settings))
        if traces is not None:
            await stack.enter_async_context(exporting(settings, context, traces))
        engine = await stack.enter_async_context(open_engine(context.database, settings.database, context.service))
        open_sink = load_object(selected.OPEN_AUDIT_SINK)
        sink = await stack.enter_async_context(open_sink(settings.audit_sink, context))
        shipper = load_object(SHIPPER)(
            engine,
            sink,
            name=selected.AUDIT_SINK,
            service=settings.service.name,
            version=settings.service.version,
            poll_seconds=settings.audit.poll_seconds,
        )
        key = partial(load_object(SIGNING_KEY), settings.audit, context.secrets)
        await key()  # a key that is not there is found now
        sessions = make_sessions(engine, settings.service.name, settings.service.version)
        look = partial(load_object(MEASURE_LOG), sessions, selected.AUDIT_SINK, settings.audit.spool_events)
        await stack.enter_async_context(measuring(settings.telemetry.measure_seconds, look))
        spool = AuditSpool(sessions, selected.AUDIT_SINK, settings.audit.spool_events)
        deep = {
            "audit_log": spool.check,
            "audit_sink": shipper.check,
            "secret_backend": secret_backend(context.secrets),
        }
        yield load_object(KEEPER)(engine, key, shipper, settings.audit, deep)


@asynccontextmanager
async def open_checkpoints(
    settings: Settings, context: AdapterContext, size: int, state_types: Sequence[str] = ()
) -> AsyncIterator[Checkpoints]:
    """Open the chosen state store's checkpointer, and what encrypts and restricts what it holds."""
    types = [load_object(name) for name in state_types]
    async with (
        load_object(OPEN_SERIALIZER)(settings.checkpoints, types, context.secrets) as serializer,
        load_object(selected.CHECKPOINTS)(
            settings.state_store, context, serializer, keep_last=settings.checkpoints.keep_last, size=size
        ) as checkpoints,
    ):
        yield checkpoints


async def prepare_checkpoints(settings: Settings, context: AdapterContext) -> None:
    """Prepare the state store, which needs no key: nothing is read."""
    keyless = settings.model_copy(
        update={"checkpoints": settings.checkpoints.model_copy(update={"encryption_key": None})}
    )
    async with open_checkpoints(keyless, context, 1) as checkpoints:
        await checkpoints.prepare()
