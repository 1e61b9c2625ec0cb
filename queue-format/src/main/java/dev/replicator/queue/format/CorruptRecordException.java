package dev.replicator.queue.format;

import java.io.IOException;

/** Bytes are not what was written. Never retried: the message names the source and the offset in it. */
public class CorruptRecordException extends IOException {
    private final String source;
    private final long offset;
    private final String detail;

    /**
     * @param source file or peer the bytes came from
     * @param offset byte offset in it where the damaged structure begins
     * @param detail expected and actual, and what to do where that is known
     */
    public CorruptRecordException(String source, long offset, String detail) {
        super("corrupt record in " + source + " at offset " + offset + ": " + detail);
        this.source = source;
        this.offset = offset;
        this.detail = detail;
    }

    public String source() {
        return source;
    }

    public long offset() {
        return offset;
    }

    /** Expected and actual, without the place. */
    public String detail() {
        return detail;
    }
}
