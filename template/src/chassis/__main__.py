"""`python -m chassis <command>`: the only entry point, for the image, the Makefile and people.

Exit codes: 0 done, 1 the command found something wrong, 2 the configuration or the arguments are wrong.
"""

import argparse
import gc
import sys
from collections.abc import Sequence

from chassis.import_strings import load_object
from chassis.ports.errors import ChassisError, ConfigurationError

# name: (module with `add_arguments` and `run`, help). Modules are loaded when chosen, so that serving stays light.
COMMANDS = {
    "serve": ("chassis.commands.serve", "serve the API"),
    "work": ("chassis.commands.work", "execute runs and background tasks"),
    "jobs": ("chassis.commands.jobs", "see, redrive and cancel jobs"),
    "trace": ("chassis.commands.trace", "draw what a run did as a tree: time, tokens, money"),
    "audit": ("chassis.commands.audit", "keep, verify and read the audit log"),
    "migrate": ("chassis.commands.migrate", "bring the database up to date"),
    "migration": ("chassis.commands.migration", "write a migration for changed tables of src/agent"),
    "seed": ("chassis.commands.seed", "add example data, outside production only"),
    "settings": ("chassis.commands.settings", "check the configuration, or list every setting"),
    "openapi": ("chassis.commands.openapi", "print the API's description"),
    "dev": ("chassis.commands.dev", "start everything on this machine, with the services it needs"),
    "ask": ("chassis.commands.ask", "ask the running agent something"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a mistake of the user's is one sentence, never a traceback."""
    # Imports allocate much and free little: collecting meanwhile costs a tenth of a cold start and finds nothing.
    gc.disable()
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(prog="python -m chassis", description="The agent service.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (module, summary) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        if given[:1] == [name]:
            load_object(f"{module}:add_arguments")(subparser)
    options = parser.parse_args(given)
    gc.freeze()
    gc.enable()
    module, _ = COMMANDS[options.command]
    try:
        code: int = load_object(f"{module}:run")(options)
    except ConfigurationError as error:
        print(error.detail, file=sys.stderr)
        return 2
    except ChassisError as error:
        print(error.detail, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return code


if __name__ == "__main__":
    sys.exit(main())
