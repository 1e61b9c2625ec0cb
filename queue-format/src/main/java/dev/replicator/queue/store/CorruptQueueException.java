package dev.replicator.queue.store;

import dev.replicator.queue.format.CorruptRecordException;
import java.nio.file.Path;

/** A part of the queue that was durable is damaged. Names file and offset; never retried, never cut. */
public final class CorruptQueueException extends CorruptRecordException {
    public CorruptQueueException(Path file, long offset, String detail) {
        super(file.toString(), offset, detail);
    }

    /** A record's damage, seen in a segment. */
    static CorruptQueueException of(Path file, CorruptRecordException damage) {
        CorruptQueueException corrupt = new CorruptQueueException(file, damage.offset(), damage.detail());
        corrupt.initCause(damage);
        return corrupt;
    }
}
