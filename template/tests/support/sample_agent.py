"""An agent for the chassis' own tests, which must not depend on yours."""

from chassis.agent_spec import AgentSpec

SAMPLE = AgentSpec(
    name="agent",
    description="Takes as many steps as it is told.",
    graph="tests.support.sample_graph:build",
    routes="tests.support.sample_routes:router",
    models="tests.support.sample_agent",
    tasks={
        name: f"tests.support.sample_tasks:{name}"
        for name in ("count", "poison", "sleepy", "flaky", "broken", "enqueuing")
    },
)
