"""A stand-in for Pub/Sub and for Cloud Monitoring's count of its messages: `python -m chassis.dev.pubsub PORT`.

Google's emulator needs Java. This one speaks gRPC and keeps everything in memory; the real client does not know the difference.
"""

import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import grpc
from google.cloud.monitoring_v3.types import ListTimeSeriesRequest, ListTimeSeriesResponse, TimeSeries
from google.iam.v1.iam_policy_pb2 import (  # type: ignore[import-untyped]
    TestIamPermissionsRequest,
    TestIamPermissionsResponse,
)
from google.protobuf.empty_pb2 import Empty
from google.pubsub_v1 import types

from chassis.dev.pubsub_store import RefusedError, Store

SUBSCRIPTION = re.compile(r'resource\.labels\.subscription_id = "([^"]+)"')
PULL_SECONDS = 90
"""So long a pull waits where its client does; Google says no more than "a bounded amount of time" (`PullRequest`)."""
WAITING = 64
"""As many pulls may wait, each in a thread."""

Context: TypeAlias = grpc.ServicerContext
Allowed: TypeAlias = Callable[[Context, str], bool]


class PubSubServer:
    """Answers for every project. Who may do what is asked with the permission that Google would demand."""

    def __init__(self, store: Store, allowed: Allowed = lambda _context, _permission: True) -> None:
        """Keep everything in `store`."""
        self.store = store
        self.calls: list[str] = []
        """The methods that were called, in order."""
        self.counted = True
        """Whether Cloud Monitoring has counted the messages."""
        self._allowed = allowed

    def started(self, address: str, credentials: grpc.ServerCredentials | None = None) -> grpc.Server:
        """Listen; with credentials only to clients that speak TLS."""
        server = grpc.server(ThreadPoolExecutor(WAITING), options=[("grpc.so_reuseport", 0)])
        publisher = {
            "CreateTopic": self._rpc(types.Topic, types.Topic, self._create_topic, "pubsub.topics.create"),
            "Publish": self._rpc(types.PublishRequest, types.PublishResponse, self._publish, "pubsub.topics.publish"),
        }
        read = "pubsub.subscriptions.consume"
        subscriber = {
            "CreateSubscription": self._rpc(
                types.Subscription, types.Subscription, self._create_subscription, "pubsub.subscriptions.create"
            ),
            "GetSubscription": self._rpc(
                types.GetSubscriptionRequest, types.Subscription, self._get, "pubsub.subscriptions.get"
            ),
            "Pull": self._rpc(types.PullRequest, types.PullResponse, self._pull, read),
            "Acknowledge": self._rpc(types.AcknowledgeRequest, Empty, self._acknowledge, read),
            "ModifyAckDeadline": self._rpc(types.ModifyAckDeadlineRequest, Empty, self._move_deadline, read),
            "Seek": self._rpc(types.SeekRequest, types.SeekResponse, self._seek, read),
        }
        policy = {
            "TestIamPermissions": self._rpc(TestIamPermissionsRequest, TestIamPermissionsResponse, self._test, "")
        }
        metrics = {
            "ListTimeSeries": self._rpc(
                ListTimeSeriesRequest, ListTimeSeriesResponse, self._count, "monitoring.timeSeries.list"
            )
        }
        handlers = {
            "google.pubsub.v1.Publisher": publisher,
            "google.pubsub.v1.Subscriber": subscriber,
            "google.iam.v1.IAMPolicy": policy,
            "google.monitoring.v3.MetricService": metrics,
        }
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(*service) for service in handlers.items()]
        )
        if credentials:
            server.add_secure_port(address, credentials)
        else:
            server.add_insecure_port(address)
        server.start()
        return server

    def _rpc(self, asked: Any, answered: Any, function: Callable[[Any, Context], Any], permission: str) -> Any:
        def answer(request: Any, context: Context) -> Any:
            self.calls.append(function.__name__.strip("_"))
            try:
                if permission and not self._allowed(context, permission):
                    raise RefusedError(grpc.StatusCode.PERMISSION_DENIED, "User not authorized to perform this action.")
                return function(request, context)
            except RefusedError as refused:
                context.abort(refused.status, refused.words)
                raise AssertionError from None  # abort has raised

        return grpc.unary_unary_rpc_method_handler(
            answer,
            request_deserializer=getattr(asked, "deserialize", None) or asked.FromString,
            response_serializer=getattr(answered, "serialize", None) or answered.SerializeToString,
        )

    def _create_topic(self, request: types.Topic, _context: Context) -> types.Topic:
        self.store.create_topic(request.name)
        return request

    def _publish(self, request: types.PublishRequest, _context: Context) -> types.PublishResponse:
        return types.PublishResponse(message_ids=self.store.publish(request.topic, request.messages))

    def _create_subscription(self, request: types.Subscription, _context: Context) -> types.Subscription:
        self.store.create_subscription(request)
        return request

    def _get(self, request: types.GetSubscriptionRequest, _context: Context) -> types.Subscription:
        return self.store.known(request.subscription).properties

    def _pull(self, request: types.PullRequest, context: Context) -> types.PullResponse:
        seconds = min(context.time_remaining() or PULL_SECONDS, PULL_SECONDS)
        messages = self.store.pull(request.subscription, request.max_messages, seconds, context.is_active)
        return types.PullResponse(received_messages=messages)

    def _acknowledge(self, request: types.AcknowledgeRequest, _context: Context) -> Empty:
        self.store.acknowledge(request.subscription, request.ack_ids)
        return Empty()

    def _move_deadline(self, request: types.ModifyAckDeadlineRequest, _context: Context) -> Empty:
        self.store.move_deadline(request.subscription, request.ack_ids, request.ack_deadline_seconds)
        return Empty()

    def _seek(self, request: types.SeekRequest, _context: Context) -> types.SeekResponse:
        self.store.confirm_all(request.subscription)
        return types.SeekResponse()

    def _test(self, request: TestIamPermissionsRequest, context: Context) -> TestIamPermissionsResponse:
        there = request.resource in self.store.topics or request.resource in self.store.subscriptions
        found = [one for one in request.permissions if there and self._allowed(context, one)]
        return TestIamPermissionsResponse(permissions=found)

    def _count(self, request: ListTimeSeriesRequest, _context: Context) -> ListTimeSeriesResponse:
        named = SUBSCRIPTION.search(request.filter)
        there = f"{request.name}/subscriptions/{named[1]}" if named and self.counted else ""
        waiting = self.store.backlog(there)
        points = [{"interval": request.interval, "value": {"int64_value": waiting}}]
        return ListTimeSeriesResponse(time_series=[] if waiting is None else [TimeSeries(points=points)])


def main(arguments: list[str]) -> None:
    """Listen on a port until the process is ended, on loopback unless an address follows.

    The second number makes deadlines pass so many times as fast.
    """
    port, pace, host = [*arguments, *("", "1", "127.0.0.1")[len(arguments) :]]
    PubSubServer(Store(float(pace))).started(f"{host}:{port}").wait_for_termination()


if __name__ == "__main__":
    main(sys.argv[1:])
