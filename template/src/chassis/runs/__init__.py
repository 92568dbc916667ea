"""The life of a run: accepted in one transaction, leased by a worker, executed step by step, swept if the worker dies.

The row is the truth and the queue a wake-up, so a crash, a duplicate delivery, a lost message and a broker outage all
end in the same place: the sweeper.
"""
