package dev.replicator.slave;

import dev.replicator.queue.TableName;
import dev.replicator.slave.state.Journal;
import dev.replicator.slave.state.SlaveState;
import java.util.List;
import java.util.Map;

/**
 * What the coordinator last read, for reports.
 *
 * @param state the durable state; null before the database answered for the first time
 * @param conflicts the newest conflicts
 * @param commands commands executed lately
 * @param blocked whom a lane's session waits for, by lane
 * @param progress share of a restore's chunks that are in, by table
 * @param trouble what a restore waits for, by table
 * @param error why nothing goes on, or empty
 */
record Snapshot(
        SlaveState state,
        List<Journal.Entry> conflicts,
        List<Journal.Done> commands,
        Map<String, String> blocked,
        Map<TableName, Double> progress,
        Map<TableName, String> trouble,
        String error) {

    static Snapshot nothing(String error) {
        return new Snapshot(null, List.of(), List.of(), Map.of(), Map.of(), Map.of(), error);
    }

    Snapshot withError(String text) {
        return new Snapshot(state, conflicts, commands, blocked, progress, trouble, text);
    }
}
