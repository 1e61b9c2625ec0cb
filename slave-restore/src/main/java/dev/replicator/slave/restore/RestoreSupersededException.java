package dev.replicator.slave.restore;

import dev.replicator.queue.TableName;

/** A restore was given up or begun anew while a thread was still at work for it. Nothing is to be done. */
final class RestoreSupersededException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    RestoreSupersededException(TableName table, String dumpId) {
        super("the restore of " + table + " from dump " + dumpId + " was given up");
    }
}
