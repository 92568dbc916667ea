"""The queue of `queue=sqs` on a laptop."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import boto3

from chassis.dev.moto import Moto, moto_server

REGION = "CHASSIS__QUEUE__REGION"
URL = "CHASSIS__QUEUE__URL"
ENDPOINT = "CHASSIS__QUEUE__ENDPOINT_URL"
NAME = "runs"
IDENTITY = {
    "AWS_ACCESS_KEY_ID": "ASIADEVELOPMENT00000",
    "AWS_SECRET_ACCESS_KEY": "development",
    "AWS_SESSION_TOKEN": "development",
}
"""The SDK signs with something; moto does not look at it. Only where the environment does not say who it is on AWS."""


@contextmanager
def queue_environment(directory: Path, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Give the settings that lead to the queue: the environment's own, or those of one made here."""
    if URL in environ:
        yield {URL: environ[URL]}
        return
    identity = {} if {"AWS_ACCESS_KEY_ID", "AWS_PROFILE"} & environ.keys() else IDENTITY
    with moto_server(directory) as server:
        yield {**identity, **made_queue(server)}


def made_queue(server: Moto) -> dict[str, str]:
    """Make a queue with the properties that docs/queue-sqs.md names, and give the settings that lead to it."""
    region = "eu-central-1"
    session = boto3.Session(IDENTITY["AWS_ACCESS_KEY_ID"], "development", region_name=region)
    client = session.client("sqs", endpoint_url=server.url)
    try:
        url = client.create_queue(QueueName=NAME, Attributes={"MessageRetentionPeriod": "3600"})["QueueUrl"]
    finally:
        client.close()
    return {REGION: region, URL: url, ENDPOINT: server.url}
