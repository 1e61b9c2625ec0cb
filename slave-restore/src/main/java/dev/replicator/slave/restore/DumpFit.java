package dev.replicator.slave.restore;

import dev.replicator.dumps.DumpManifest;
import dev.replicator.queue.Epoch;
import dev.replicator.slave.state.Restore;

/** Whether a dump that the forwarder serves is the one a restore was begun with. No input, no output. */
final class DumpFit {
    private DumpFit() {}

    /**
     * Why the dump is of no use, or null. Ids of dumps begin anew with a forwarder's lost disk: what comes under one may be
     * another table's, or rows of another snapshot than those that are loaded.
     *
     * @param restore as it stands in the database now
     * @param epoch the history the slave follows
     */
    static String obstacle(Restore restore, Epoch epoch, DumpManifest manifest) {
        String id = "dump " + manifest.id();
        if (!manifest.epoch().equals(epoch)) {
            return id + " is of epoch " + manifest.epoch() + ", the slave follows " + epoch;
        }
        if (!manifest.table().equals(restore.table())) {
            return id + " is one of " + manifest.table() + " now";
        }
        boolean begun = restore.mode() != null;
        return begun && !manifest.boundary().equals(restore.boundary())
                ? id + " was read under another snapshot than the rows that are loaded"
                : null;
    }
}
