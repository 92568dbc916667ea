"""What a running process holds. Built by `wiring`, handed to whoever needs it; nothing is global."""

from dataclasses import dataclass

from chassis.agent_spec import AgentSpec
from chassis.audit.spool import AuditSpool
from chassis.db.engine import Sessions
from chassis.jobs.kinds import Kinds
from chassis.ports.adapter_context import AdapterContext
from chassis.ports.identity import Authenticator, Roles
from chassis.ports.live_events import LiveEvents
from chassis.ports.run_queue import RunQueue
from chassis.settings import Settings


@dataclass(frozen=True, slots=True)
class Container:
    """The open ports and the agent's specification."""

    settings: Settings
    agent: AgentSpec
    roles: Roles
    sessions: Sessions
    queue: RunQueue
    live_events: LiveEvents
    authenticator: Authenticator
    adapter_context: AdapterContext
    spool: AuditSpool
    kinds: Kinds
