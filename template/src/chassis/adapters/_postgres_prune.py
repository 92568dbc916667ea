"""The statements that delete what is no longer kept of a thread's checkpoints.

Each is one statement, so it sees one snapshot and takes all or nothing. Blobs go by the checkpoints deleted: one that a
concurrent step writes is not among them, and what that step takes over from the present checkpoint is kept with it.
"""

# Doomed is what is not kept of a namespace, and with a checkpoint of the root all that the subgraphs called from there have
# saved, whose namespaces hold the call's id after a ":". LangGraph needs the whole chain where a DeltaChannel is used
# (BaseCheckpointSaver.prune); such threads are left alone.
_PRUNE = """
WITH ranked AS (
    SELECT checkpoint_ns, checkpoint_id,
        CASE WHEN checkpoint_ns LIKE '%%:%%' THEN metadata -> 'parents' ->> '' END AS root,
        row_number() OVER (PARTITION BY checkpoint_ns ORDER BY checkpoint_id DESC) AS place
    FROM checkpoints WHERE thread_id = %(thread)s
    AND NOT EXISTS (
        SELECT FROM checkpoints d WHERE d.thread_id = %(thread)s
        AND (d.metadata ? 'counters_since_delta_snapshot' OR d.metadata ? 'delta_writes_versioned')
    )
),
aged AS (SELECT checkpoint_ns, checkpoint_id, root FROM ranked WHERE {doomed}),
doomed AS (
    SELECT checkpoint_ns, checkpoint_id FROM aged
    UNION
    SELECT r.checkpoint_ns, r.checkpoint_id FROM ranked r
    JOIN aged a ON a.checkpoint_ns = '' AND a.checkpoint_id = r.root
),
gone AS (
    DELETE FROM checkpoints c USING doomed d
    WHERE c.thread_id = %(thread)s AND c.checkpoint_ns = d.checkpoint_ns AND c.checkpoint_id = d.checkpoint_id
    RETURNING c.checkpoint_ns, c.checkpoint_id, c.checkpoint -> 'channel_versions' AS versions
),
unwritten AS (
    DELETE FROM checkpoint_writes w USING doomed d
    WHERE w.thread_id = %(thread)s AND w.checkpoint_ns = d.checkpoint_ns AND w.checkpoint_id = d.checkpoint_id
),
freed AS (
    SELECT g.checkpoint_ns, v.key, v.value FROM gone g CROSS JOIN LATERAL jsonb_each_text(g.versions) v
    EXCEPT
    SELECT c.checkpoint_ns, v.key, v.value FROM checkpoints c
    CROSS JOIN LATERAL jsonb_each_text(c.checkpoint -> 'channel_versions') v
    WHERE c.thread_id = %(thread)s
    AND NOT EXISTS (SELECT FROM doomed d WHERE d.checkpoint_ns = c.checkpoint_ns AND d.checkpoint_id = c.checkpoint_id)
),
emptied AS (
    DELETE FROM checkpoint_blobs b USING freed f
    WHERE b.thread_id = %(thread)s AND b.checkpoint_ns = f.checkpoint_ns AND b.channel = f.key AND b.version = f.value
)
SELECT count(*) AS pruned FROM gone
"""

PRUNE_BY_COUNT = _PRUNE.format(doomed="place > %(keep)s")
PRUNE_BY_AGE = _PRUNE.format(doomed="place > 1 AND checkpoint_id < %(before)s")

THREADS_WITH_OLDER = """
SELECT thread_id FROM checkpoints
GROUP BY thread_id, checkpoint_ns
HAVING count(*) > 1 AND min(checkpoint_id) < %(before)s
LIMIT %(limit)s
"""

DELETE_FOR_RUNS = """
WITH gone AS (
    DELETE FROM checkpoints WHERE metadata ->> 'run_id' = ANY(%(runs)s) RETURNING thread_id, checkpoint_ns, checkpoint_id
)
DELETE FROM checkpoint_writes w USING gone g
WHERE w.thread_id = g.thread_id AND w.checkpoint_ns = g.checkpoint_ns AND w.checkpoint_id = g.checkpoint_id
"""

NEWEST = "SELECT max(checkpoint_id) AS newest FROM checkpoints WHERE thread_id = %s AND checkpoint_ns = ''"
