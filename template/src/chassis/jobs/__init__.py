"""The life of a job: accepted in one transaction, leased by a worker, executed, swept if the worker dies.

A run of the agent is one kind of job; your own background tasks are others. The row is the truth and the queue a wake-up,
so a crash, a duplicate delivery, a lost message and a broker outage all end in the same place: the sweeper.
"""
