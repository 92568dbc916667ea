"""What the processes of the service depend on."""

from sqlalchemy import text

from chassis.container import Container
from chassis.management.vitals import Checks


def container_checks(container: Container) -> Checks:
    """Ask what a container holds.

    Without the database nothing can be accepted or executed. The queue is not needed for that: that it cannot be reached
    is said, and costs nobody a replica.
    """

    async def database() -> None:
        async with container.sessions() as session:
            await session.execute(text("SELECT 1"))

    return Checks(needed={"database": database}, told={"queue": container.queue.check})
