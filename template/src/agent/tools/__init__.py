"""The agent's tools."""

from agent.tools.figures import ticket_figures
from agent.tools.read import read_ticket
from agent.tools.search import search_tickets
from agent.tools.update import update_ticket

TOOLS = [search_tickets, read_ticket, ticket_figures, update_ticket]

__all__ = ["TOOLS"]
