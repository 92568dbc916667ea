"""Your agent. Replace the service desk with your own domain; updates of the template never touch this folder.

AGENT names everything by import string, so that the API process can read it without loading LangGraph.
"""

from chassis.api import AgentSpec

AGENT = AgentSpec(
    name="agent",
    description="Answers questions about service-desk tickets, and updates them.",
    graph="agent.graph:build",
    routes="agent.routes:router",
    models="agent.models",
    seed="agent.seed:seed",
    tasks={"escalate_overdue": "agent.escalation:escalate_overdue"},
    roles={
        "viewer": frozenset({"tickets:read"}),
        "user": frozenset({"tickets:read", "tickets:write"}),
        "admin": frozenset({"tickets:read", "tickets:write"}),
    },
)
