package dev.replicator.queue.format;

/** Kinds of records in a queue. The code is the byte in the header and never changes. */
public enum RecordKind {
    /** Row changes of one master transaction; the only kind that has a seq of its own. */
    TRANSACTION(1),
    /** A {@link dev.replicator.queue.TableSchema}, in force from here on. */
    SCHEMA(2),
    /** A schema change of the master as text; reserved. */
    DDL(3),
    /** Sampled sequence values; reserved. */
    SEQUENCE(4),
    /** A logical message of ours came by in the log: settles a dump (rule R15) or answers {@code admin wait}. */
    DUMP_MARKER(5),
    /** The source position moved, nothing for us in between. */
    HEARTBEAT(6),
    /** Forwarder's queue only: a slave's table set from here on (rule R11). */
    TABLE_SET(7);

    private final int code;

    RecordKind(int code) {
        this.code = code;
    }

    /** The byte in the header. */
    public int code() {
        return code;
    }

    /** The kind for a header byte, or null when this release does not know it. */
    static RecordKind ofCode(int code) {
        for (RecordKind kind : values()) {
            if (kind.code == code) {
                return kind;
            }
        }
        return null;
    }
}
