"""There is no broker, and nothing that could lead to one."""

from collections.abc import Mapping

NOWHERE: Mapping[str, str] = {}
