"""`dev`: everything on this machine, with one command."""

import argparse

from chassis.dev.supervisor import Supervisor


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what can be chosen."""
    parser.add_argument("--port", type=int, default=8000, help="port of the API (default 8000)")
    parser.add_argument("--ask", metavar="QUESTION", help="ask this as soon as the service is ready")


def run(options: argparse.Namespace) -> int:
    """Run until Ctrl-C."""
    return Supervisor(port=options.port, question=options.ask).run()
