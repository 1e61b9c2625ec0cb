package dev.replicator.simulation;

/** Kinds of steps and how often each is tried. */
enum Action {
    MASTER_WRITE(30, false),
    MASTER_COMMIT(14, false),
    MASTER_VISIBLE(12, false),
    MASTER_ABORT(1, false),
    MASTER_PREPARE(2, true),
    MASTER_COMMIT_ASYNC(4, true),
    MASTER_FLUSH(3, false),
    MASTER_CHECKPOINT(2, false),
    MASTER_REWRITE(2, true),
    MASTER_VACUUM_FULL(1, true),
    MASTER_CRASH(1, true),
    MASTER_BACKUP(2, true),
    MASTER_RESTORE(1, true),
    CAPTURE_START(6, false),
    CAPTURE_CONNECT(10, false),
    CAPTURE_READ(30, false),
    CAPTURE_SYNC(14, false),
    CAPTURE_CONFIRM(5, false),
    CAPTURE_POLL(8, false),
    CAPTURE_LINK(10, false),
    CAPTURE_SEND(36, false),
    CAPTURE_PRUNE(4, false),
    CAPTURE_DUMP(30, false),
    CAPTURE_CRASH(2, true),
    CAPTURE_LOSES_MASTER(2, true),
    CAPTURE_LOSES_FORWARDER(2, true),
    CAPTURE_TABLES(2, true),
    CAPTURE_BACKUP(2, true),
    CAPTURE_RESTORE(1, true),
    CAPTURE_LOSES_DISK(1, true),
    CAPTURE_NEW_EPOCH(4, false),
    FORWARDER_START(6, false),
    FORWARDER_SYNC(16, false),
    FORWARDER_HOUSEKEEP(8, false),
    FORWARDER_CRASH(2, true),
    FORWARDER_BACKUP(2, true),
    FORWARDER_RESTORE(1, true),
    FORWARDER_LOSES_DISK(1, true),
    FORWARDER_LOSES_INDEX(1, true),
    FORWARDER_TABLE_SET(3, true),
    FORWARDER_REQUEST_DUMP(2, true),
    SLAVE_STEP(130, false),
    SLAVE_START(6, false),
    SLAVE_FLUSH(5, false),
    SLAVE_CRASH(2, true),
    SLAVE_LOSES_LOCK(2, true),
    SLAVE_LOSES_CONNECTION(3, true),
    SLAVE_LATE_COMMIT(6, false),
    SLAVE_DATABASE_CRASH(2, true),
    SLAVE_DATABASE_BACKUP(2, true),
    SLAVE_DATABASE_RESTORE(1, true),
    SLAVE_RESYNC(3, true),
    SLAVE_PAUSE(1, true),
    SLAVE_RESUME(3, false);

    private final int weight;
    private final boolean rare;

    Action(int weight, boolean rare) {
        this.weight = weight;
        this.rare = rare;
    }

    int weight() {
        return weight;
    }

    /** Happens in some histories only: few faults at a time lead further into what follows them. */
    boolean isRare() {
        return rare;
    }
}
