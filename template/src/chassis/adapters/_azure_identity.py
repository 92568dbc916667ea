"""Who this service is on Azure: the identity that the platform gives it, and no other.

Microsoft advises to move from `DefaultAzureCredential`, which tries one credential after another, to a specific one once an
app is deployed: which of a chain answers is not certain, and can be changed by a variable ("Credential chains in the Azure
Identity client library for Python", "Usage guidance for DefaultAzureCredential",
learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains).

The instance metadata endpoint, the last that `ManagedIdentityCredential` tries, is not asked either: on AKS it speaks for
the node, and unless that is forbidden for each pod on it ("PodLinkLocalAccess", learn.microsoft.com/dotnet/api, namespace
azure.resourcemanager.containerservice.models).
"""

import os
from typing import Any
from uuid import UUID

from azure.core.pipeline.transport import HttpTransport
from azure.identity import ManagedIdentityCredential, WorkloadIdentityCredential

from chassis.ports.errors import ConfigurationError

TOKEN_FILE = "AZURE_FEDERATED_TOKEN_FILE"  # noqa: S105 - no secret
"""Put into a pod by AKS's webhook ("Use a Microsoft Entra Workload ID with AKS",
learn.microsoft.com/azure/aks/workload-identity-overview), with AZURE_CLIENT_ID, AZURE_TENANT_ID and AZURE_AUTHORITY_HOST."""

ENDPOINT = "IDENTITY_ENDPOINT"
"""Put into a container app that has an identity, with IDENTITY_HEADER ("Managed identities in Azure Container Apps", "REST
endpoint reference", learn.microsoft.com/azure/container-apps/managed-identity)."""

PLATFORM_VARIABLES = (
    TOKEN_FILE,
    "AZURE_CLIENT_ID",
    "AZURE_TENANT_ID",
    "AZURE_AUTHORITY_HOST",
    ENDPOINT,
    "IDENTITY_HEADER",
)

RETRIES: dict[str, Any] = {"retry_total": 1, "retry_status": 0, "retry_backoff_factor": 0.1}
"""For clients and credentials: once more where a connection broke, as one does that a load balancer forgot; not where the
server answered, since the pause it may ask for is longer than anybody here waits."""

AzureCredential = ManagedIdentityCredential | WorkloadIdentityCredential


class NoAzureIdentityError(ConfigurationError):
    """Azure gives this process no identity; assign one to the container app, or label the pod azure.workload.identity/use."""


def platform_identity(client_id: UUID | None, transport: HttpTransport[Any, Any]) -> AzureCredential:
    """Give the identity that the platform offers; `client_id` names a user-assigned one.

    A new object asks for a new token: the SDK's own memory of tokens is in it.
    """
    name = str(client_id) if client_id else None
    token = os.environ.get(TOKEN_FILE)
    try:
        if token:
            if not os.access(token, os.R_OK):
                message = f"This pod's federated token, which {TOKEN_FILE} names, cannot be read; restart the pod."
                raise NoAzureIdentityError(message)
            return WorkloadIdentityCredential(client_id=name, transport=transport, **RETRIES)
        if os.environ.get(ENDPOINT) and os.environ.get("IDENTITY_HEADER"):
            return ManagedIdentityCredential(client_id=name, transport=transport, **RETRIES)
    except ValueError as error:  # one of the variables is missing
        raise NoAzureIdentityError from error
    raise NoAzureIdentityError
