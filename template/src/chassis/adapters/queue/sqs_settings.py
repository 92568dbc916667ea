"""Settings of the SQS queue."""

import re
from typing import Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from chassis.adapters._aws_settings import AwsRegion, AwsSettings
from chassis.settings_types import in_production

HOST = re.compile(r"https://sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/")
"""The host in the URL of a queue, where it is not that of a VPC endpoint: as the SDK builds it, endpoint-rule-set of botocore's sqs."""


class QueueSettings(AwsSettings):
    """A standard SQS queue that carries run ids between processes; infrastructure code makes it."""

    region: AwsRegion = Field(
        description="the region that holds the queue, such as eu-central-1", examples=["eu-central-1"]
    )
    # What a name may hold: SQS API Reference, "CreateQueue", QueueName.
    url: str = Field(
        pattern=r"\Ahttps?://[^\s/@?#]+/[0-9]{12}/[A-Za-z0-9_-]{1,80}(\.fifo)?\z",
        description="the queue's URL, such as https://sqs.eu-central-1.amazonaws.com/123456789012/my-agent-runs",
        examples=["https://sqs.eu-central-1.amazonaws.com/123456789012/my-agent-runs"],
    )

    @field_validator("url")
    @classmethod
    def standard_and_encrypted(cls, url: str, info: ValidationInfo) -> str:
        """Refuse a FIFO queue, which hands out nothing while a message of the same group is with somebody, and plain HTTP."""
        if url.endswith(".fifo"):
            message = "must be a standard queue, not a FIFO one"
            raise ValueError(message)
        if in_production(info) and not url.startswith("https:"):
            message = "must begin with https:// in production"
            raise ValueError(message)
        return url

    @model_validator(mode="after")
    def in_its_region(self) -> Self:
        """Notice a queue of another region at the start; the region's own endpoint does not know it."""
        found = HOST.match(self.url)
        if found and found["region"] != self.region:
            message = f"queue.url names a queue in {found['region']}, queue.region says {self.region}"
            raise ValueError(message)
        return self
