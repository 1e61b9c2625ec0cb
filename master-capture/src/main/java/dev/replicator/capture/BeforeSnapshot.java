package dev.replicator.capture;

import dev.replicator.capture.postgres.Snapshot;
import dev.replicator.queue.Position;
import dev.replicator.queue.TableName;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What has to be known before a dump's snapshot is taken, never after it: the spool's tail and what was
 * visible (rule R02), and who may have
 * written to the tables before they were published (rule R01). Who ends between the snapshot and a later look is
 * forgotten by then, but the snapshot does not see him.
 *
 * @param tail position of the last durable transaction
 * @param visibleSeq V: every transaction up to it was seen visible
 * @param writers full transaction ids by table
 */
record BeforeSnapshot(Position tail, long visibleSeq, Map<TableName, List<Long>> writers) {

    static BeforeSnapshot read(Spool spool, Collection<Integer> tableIds) {
        Map<TableName, List<Long>> writers = new LinkedHashMap<>();
        for (int tableId : tableIds) {
            spool.tables().find(tableId).ifPresent(facts -> writers.put(facts.name(), facts.writersAtJoin()));
        }
        return new BeforeSnapshot(spool.queue().durableTail(), spool.commitLog().visibleSeq(), writers);
    }

    /** Whose rows may be in neither dump nor stream: then the snapshot is of no use. By table. */
    Map<TableName, List<Long>> writersNotSeenBy(Snapshot snapshot) {
        Map<TableName, List<Long>> unseen = new LinkedHashMap<>();
        writers.forEach((table, ids) -> {
            List<Long> running = new ArrayList<>(ids);
            running.removeIf(snapshot::sees);
            if (!running.isEmpty()) {
                unseen.put(table, running);
            }
        });
        return unseen;
    }

    /** Everything up to this transaction is in the dump. */
    long baseSeq(CommitLog log, Snapshot snapshot) throws IOException {
        return log.baseSeq(visibleSeq, tail.seq(), snapshot);
    }
}
