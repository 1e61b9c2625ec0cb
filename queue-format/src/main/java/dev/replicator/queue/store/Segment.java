package dev.replicator.queue.store;

import dev.replicator.queue.Epoch;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;

/** What is known of one segment of the queue, for readers of any thread. */
final class Segment {
    private final SegmentHeader header;
    private final SegmentStats stats;
    private final int salt;
    private final long openingStart;
    private final long openingEnd;
    private volatile Path file;
    private volatile long durableEnd;
    private volatile long writtenEnd;
    private volatile boolean closed;
    private volatile boolean removed;
    private volatile long sizeBytes;
    private volatile int contentCrc;

    /**
     * @param openingStart offset of the opening schemas
     * @param openingEnd offset behind them: where a reader that knows the schemas begins
     * @param durableEnd first byte readers must not read
     */
    Segment(Path file, SegmentHeader header, SegmentStats stats, long openingStart, long openingEnd, long durableEnd) {
        this.file = file;
        this.header = header;
        this.salt = header.salt();
        this.stats = stats;
        this.openingStart = openingStart;
        this.openingEnd = openingEnd;
        this.durableEnd = durableEnd;
        this.writtenEnd = durableEnd;
        this.sizeBytes = durableEnd;
    }

    /** Reads header and footer of a closed file. */
    static Segment readClosed(Path file) throws IOException {
        try (FileWindow window = new FileWindow(file)) {
            SegmentHeader header = readHeader(window);
            SegmentFooter footer = readFooter(window, window.size());
            Segment segment = new Segment(
                    file,
                    header,
                    new SegmentStats(footer),
                    footer.openingStart(),
                    footer.openingEnd(),
                    footer.offset());
            segment.close(file, footer);
            return segment;
        }
    }

    static SegmentHeader readHeader(FileWindow window) throws IOException {
        return SegmentHeader.decode(window.at(0, SegmentHeader.LENGTH, window.size()), window.file());
    }

    /**
     * @param size where the footer must end
     */
    static SegmentFooter readFooter(FileWindow window, long size) throws IOException {
        long end = size - SegmentFooter.END_LENGTH;
        if (end < SegmentHeader.LENGTH) {
            throw new CorruptQueueException(window.file(), size, "a closed segment of " + size + " bytes");
        }
        int length = window.at(end, SegmentFooter.END_LENGTH, size).getInt();
        if (length < SegmentFooter.FIXED_LENGTH || length > size - SegmentHeader.LENGTH) {
            throw new CorruptQueueException(window.file(), end, "impossible footer length " + length);
        }
        ByteBuffer bytes = window.at(size - length, length, size);
        return SegmentFooter.decode(bytes, window.file(), size - length);
    }

    SegmentHeader header() {
        return header;
    }

    SegmentStats stats() {
        return stats;
    }

    long number() {
        return header.number();
    }

    Epoch epoch() {
        return header.base().epoch();
    }

    long baseSeq() {
        return header.base().seq();
    }

    int salt() {
        return salt;
    }

    Path file() {
        return file;
    }

    long openingStart() {
        return openingStart;
    }

    long openingEnd() {
        return openingEnd;
    }

    long durableEnd() {
        return durableEnd;
    }

    /** Where what is written ends: at or behind {@link #durableEnd}. What lies between may be gone after a power failure. */
    long writtenEnd() {
        return writtenEnd;
    }

    void written(long newWrittenEnd) {
        writtenEnd = newWrittenEnd;
    }

    boolean isClosed() {
        return closed;
    }

    /** True when the segment was pruned or given up: nothing follows where a reader stands in it. */
    boolean isRemoved() {
        return removed;
    }

    void remove() {
        removed = true;
    }

    long sizeBytes() {
        return sizeBytes;
    }

    /** Where the body of a record at an offset begins: behind its header, or in front of it in a large segment. */
    long bodyOffset(RecordHeader record, long offset) {
        return header.isLarge() && record.isTransaction() ? SegmentHeader.LENGTH : offset + record.headerLength();
    }

    /** Offset of what follows a record. */
    long endOf(RecordHeader record, long offset) {
        return header.isLarge() && record.isTransaction()
                ? offset + record.headerLength()
                : offset + record.totalLength();
    }

    /** Checksum in the footer of a closed segment: names its content. */
    int contentCrc() {
        return contentCrc;
    }

    void extend(long newDurableEnd) {
        durableEnd = newDurableEnd;
        sizeBytes = newDurableEnd;
    }

    void moved(Path newFile) {
        file = newFile;
    }

    /** Records that the file has its footer and final name. */
    void close(Path closedFile, SegmentFooter footer) {
        file = closedFile;
        durableEnd = footer.offset();
        writtenEnd = durableEnd;
        sizeBytes = footer.offset() + footer.length();
        contentCrc = footer.contentCrc();
        closed = true;
    }

    SegmentSummary summary() {
        return new SegmentSummary(
                file,
                epoch(),
                baseSeq() + 1,
                stats.lastSeq(),
                stats.records(),
                sizeBytes,
                closed,
                stats.hasControlRecordsBehind(),
                stats.tableIds());
    }
}
