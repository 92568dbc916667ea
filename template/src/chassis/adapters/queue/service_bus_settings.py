"""Settings of the Azure Service Bus broker."""

from typing import Annotated, Self
from uuid import UUID

from pydantic import AmqpDsn, Field, FilePath, UrlConstraints, ValidationInfo, field_validator, model_validator

from chassis.adapters._azure_settings import refuse_static_credentials
from chassis.settings_types import SettingsGroup, in_production

SUFFIX = ".servicebus.windows.net"
"""Of the public cloud's namespaces. Others are not offered: azure-servicebus 7.15 asks for tokens of the public cloud's resource
(`JWT_TOKEN_SCOPE`, azure/servicebus/_common/constants.py), and China's namespaces want those of another
(docs.azure.cn/service-bus-messaging/authenticate-application, "Overview")."""
AMQPS_PORT = 5671


class QueueSettings(SettingsGroup):
    """A Service Bus namespace with a queue that this service's identity may use; there is no credential to configure."""

    url: Annotated[AmqpDsn, UrlConstraints(allowed_schemes=["amqps"])] = Field(
        description="such as amqps://my-agent.servicebus.windows.net",
        examples=["amqps://my-agent.servicebus.windows.net"],
    )
    client_id: UUID | None = Field(
        None, description="client id of the user-assigned identity to use, where there is more than one identity"
    )
    authority: FilePath | None = Field(
        None,
        description="certificates to trust in place of the system's; for a stand-in on a laptop, never in production",
    )

    @field_validator("url")
    @classmethod
    def is_a_namespace(cls, url: AmqpDsn, info: ValidationInfo) -> AmqpDsn:
        """Send tokens and messages to a namespace only; what stands in for one is for development and tests."""
        if url.username or url.password or url.path not in (None, "", "/") or url.query or url.fragment:
            message = "must be no more than amqps:// and a host"
            raise ValueError(message)
        namespace, _, suffix = (url.host or "").partition(".")
        if in_production(info) and not (namespace and f".{suffix}" == SUFFIX and url.port in (None, AMQPS_PORT)):
            message = f"must be amqps://<namespace>{SUFFIX} in production"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def trusts_no_others(self, info: ValidationInfo) -> Self:
        """Keep out credentials that outlive a leak, and authorities of somebody's own."""
        refuse_static_credentials(info)
        if in_production(info) and self.authority:
            message = "remove queue.authority: in production the namespace is known by the system's authorities"
            raise ValueError(message)
        return self
