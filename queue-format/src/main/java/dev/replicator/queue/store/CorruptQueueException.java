package dev.replicator.queue.store;

import dev.replicator.queue.format.CorruptRecordException;
import java.nio.file.Path;

/** A part of the queue that was durable is damaged. Names file and offset; never retried, never cut. */
public final class CorruptQueueException extends CorruptRecordException {
    public CorruptQueueException(Path file, long offset, String detail) {
        super(file.toString(), offset, detail);
    }
}
