"""Values that somebody meant to replace. Production refuses to start with one."""

import re

from chassis.ports.secrets import Secret, SecretRefusedError

# Whole values only: a generated password may well contain "test".
PLACEHOLDER = re.compile(
    r"""\A\W*(
        (change|replace|fix|set)[\W_]*(me|this|it)(\W.*)?
      | (your|my|the|some|an?)[\W_].*(here|password|secret|key|token)
      | placeholder | default | dummy | example | sample | insecure | to[\W_]?do | tbd | none | null | undefined
      | (pass(word|wd)?|secret|admin|root|postgres|guest|letmein|qwerty|test|dev|development)[\W_]*[0-9]{0,4}
      | (?P<any>.)(?P=any)+ | 0?123456789?0?
    )\W*\Z""",
    re.IGNORECASE | re.VERBOSE,
)


def refuse_placeholder(secret: Secret) -> None:
    """Raise `SecretRefusedError` when the value is one of the words that stand in for a secret."""
    if PLACEHOLDER.match(secret.reveal()):
        message = f"The secret '{secret.name}' holds a placeholder; put a real value into the secret backend."
        raise SecretRefusedError(message)
