"""What a workload sees of SQS; see `front.py`.

What this answers is what the documents and records say that `tests/chassis/broker/sqs/test_sqs_fake.py` names and compares.
"""

import json

from tests.support.aws.front import ROLE, Answer, Front, signed_by

QUEUE = "arn:aws:sqs:eu-central-1:123456789012:runs"
TOKEN = "session-of-the-pod"
MESSAGES = {
    "AccessDenied": (
        f"User: {ROLE} is not authorized to perform: %s on resource: {QUEUE} "
        "because no identity-based policy allows the %s action"
    ),
    "ExpiredToken": "The security token included in the request is expired",
    "InvalidClientTokenId": "The security token included in the request is invalid.",
    "SignatureDoesNotMatch": (
        "The request signature we calculated does not match the signature you provided.\n\n"
        f"The Canonical String for this request should have been\n'POST\n/\n\nx-amz-security-token:{TOKEN}\n"
    ),
}


class SqsFront(Front):
    """One address for SQS and the agent of EKS Pod Identity."""

    def __init__(self, moto_url: str) -> None:
        super().__init__(moto_url)
        self.asked: list[str] = []
        """The operations that were asked for, by whomever, whatever was answered."""
        self.denied: set[str] = set()
        """Actions that the workload may not do, such as sqs:ReceiveMessage."""

    def _refusal(self, target: str, authorization: str, _body: bytes) -> Answer | None:
        operation = target.rpartition(".")[2]
        self.asked.append(operation)
        key = signed_by(authorization)
        if key in self.expired:
            return _error(403, "ExpiredToken")
        if key not in self.issued:
            return _error(403, "InvalidClientTokenId")
        if self.failing:
            return _error(*self.failing)
        action = f"sqs:{operation.removesuffix('Batch')}"
        return _error(403, "AccessDenied", action.lower()) if action in self.denied else None


def _error(status: int, code: str, action: str = "") -> Answer:
    """Give the code where AWS' other protocol had it, from which the SDK takes it, too (SQS Developer Guide, "Interpreting …")."""
    message = MESSAGES.get(code, "An error occurred.").replace("%s", action)
    headers = {"Content-Type": "application/x-amz-json-1.0", "x-amzn-query-error": f"{code};Sender"}
    return status, headers, json.dumps({"__type": f"com.amazonaws.sqs#{code}", "message": message}).encode()
