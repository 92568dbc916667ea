"""The arguments that several tools share.

A description says what each value means in the words people use ("value: word, word; ..."). Every model reads them;
the local one matches them literally.
"""

from typing import Annotated, Literal

from pydantic import Field

StatusArgument = Annotated[
    Literal["unresolved", "open", "in_progress", "waiting", "resolved"] | None,
    Field(
        description="Status. unresolved: not resolved, still unsolved, outstanding, active, not closed, pending work; "
        "open: new, untouched; in_progress: in progress, being worked on, under way; "
        "waiting: on hold, blocked, waiting; resolved: closed, solved, fixed, done, finished"
    ),
]
PriorityArgument = Annotated[
    Literal["low", "normal", "high", "urgent"] | None,
    Field(description="Priority. low: minor; normal: medium; high: important; urgent: critical, emergency"),
]
CategoryArgument = Annotated[
    Literal["hardware", "software", "network", "access", "facilities"] | None,
    Field(
        description="Category. hardware: laptop, device, machine; software: application, program, app; "
        "network: vpn, wifi, connectivity, internet; access: password, permission, login, account; "
        "facilities: building, office, heating, furniture"
    ),
]
AssigneeArgument = Annotated[
    str | None,
    Field(description="Who works on it. Follows: assigned to, handled by, owned by, belonging to, give it to"),
]
UnassignedArgument = Annotated[
    bool | None, Field(description="Nobody works on it yet. true: unassigned, without an assignee, nobody, no one")
]
BreachedArgument = Annotated[
    bool | None,
    Field(
        description="Past its deadline. true: breached, overdue, late, past their deadline, past its deadline, missed"
    ),
]
OlderThanArgument = Annotated[
    int | None, Field(ge=0, le=100_000, description="Only tickets opened more than this many days ago. Unit: days, day")
]
ReferenceArgument = Annotated[
    str, Field(pattern=r"^TCK-[0-9]{1,9}$", description="The ticket's reference, such as TCK-1001")
]
