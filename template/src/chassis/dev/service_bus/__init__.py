"""What of Azure Service Bus a queue needs, on this machine: AMQP 1.0 over TLS, for the real client of Microsoft's SDK.

Microsoft's emulator is a set of containers ("Overview of the Azure Service Bus emulator",
learn.microsoft.com/azure/service-bus-messaging/overview-emulator), which a laptop without Docker cannot start. What stands in
here keeps to "AMQP 1.0 in Azure Service Bus and Event Hubs protocol guide" (service-bus-amqp-protocol-guide there) and to the
standard's own parts ("OASIS AMQP Version 1.0"); `tests/chassis/broker/service_bus/test_service_bus_fake.py` compares it with both.
It differs where a laptop has nobody to ask: a queue is there when it is first named, and whoever shows a token is let in, unless
the person who started it says otherwise.
"""
