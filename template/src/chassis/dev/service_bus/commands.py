"""What the person who started a namespace can ask of it, one command a line: what is wrong with it from now on, and how it stands."""

import os
from collections.abc import Callable, Mapping

from chassis.dev.service_bus.namespace import Namespace


def obey(namespace: Namespace, line: str) -> str:
    """Do what the line says, and give what there is to say."""
    name, *words = line.split()
    return str(COMMANDS[name](namespace, words) or "done") if name in COMMANDS else "unknown"


def _forget(namespace: Namespace, _words: list[str]) -> None:
    for queue in namespace.queues.values():
        queue.clear()


def _cut(namespace: Namespace, _words: list[str]) -> None:
    for connection in tuple(namespace.connections):
        connection.cut()


def _lock(namespace: Namespace, words: list[str]) -> None:
    namespace.lock_seconds = float(words[0])


def _patience(namespace: Namespace, words: list[str]) -> None:
    namespace.token_seconds = float(words[0])


def _claims(namespace: Namespace, words: list[str]) -> None:
    namespace.claims = set(words)


def _tokens(namespace: Namespace, words: list[str]) -> None:
    namespace.tokens = set(words)


def _accept(namespace: Namespace, words: list[str]) -> None:
    namespace.tokens = {*(namespace.tokens or ()), *words}


def _exist(namespace: Namespace, words: list[str]) -> None:
    namespace.only = {word.lower() for word in words}


def _refuse(namespace: Namespace, words: list[str]) -> None:
    namespace.refusal = words[0] if words else None


def _locked(namespace: Namespace, _words: list[str]) -> str:
    return str(sum(queue.locked() for queue in namespace.queues.values()))


COMMANDS: Mapping[str, Callable[[Namespace, list[str]], str | None]] = {
    "forget": _forget,  # all messages
    "cut": _cut,  # all connections
    "lock": _lock,  # for so many seconds
    "patience": _patience,  # with connections that show no token, so many seconds
    "claims": _claims,  # that whoever shows a token has: Send, Listen
    "tokens": _tokens,  # that are accepted, no others
    "accept": _accept,  # this token, too
    "exist": _exist,  # these queues, no others
    "refuse": _refuse,  # messages, with this condition
    "locked": _locked,
    "attached": lambda namespace, _: " ".join(namespace.attached),
    "pid": lambda _, __: str(os.getpid()),
}
