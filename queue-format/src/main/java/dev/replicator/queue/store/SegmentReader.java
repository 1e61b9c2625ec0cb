package dev.replicator.queue.store;

import dev.replicator.queue.Position;
import dev.replicator.queue.format.HeaderView;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Set;

/**
 * Reads records of segments in order. At the tail a look for news is two volatile reads. A segment's opening schemas are
 * presented only where reading begins; a reader that comes from the segment before has met them.
 */
final class SegmentReader implements QueueReader {
    private final SegmentSet segments;
    private final HeaderView view = new HeaderView();
    private Segment segment;
    private FileWindow window;
    private long at;
    private long passedSeq;
    private long passedLsn;
    private boolean early;
    private boolean waitsForDisk;
    private RecordHeader current;
    private long currentOffset;

    private SegmentReader(SegmentSet segments, Segment segment, long at, long passedSeq, long passedLsn)
            throws IOException {
        this.segments = segments;
        this.segment = segment;
        this.at = at;
        this.passedSeq = passedSeq;
        this.passedLsn = passedLsn;
        this.window = segments.open(segment);
    }

    /** A reader from a segment's first record on, opening schemas included. */
    static SegmentReader atStart(SegmentSet segments, Segment segment) throws IOException {
        return new SegmentReader(
                segments,
                segment,
                segment.openingStart(),
                segment.baseSeq(),
                segment.header().sourceLsn());
    }

    /** A reader from an offset on, behind transaction {@code after}. */
    static SegmentReader behind(SegmentSet segments, Segment segment, long offset, Position after) throws IOException {
        return new SegmentReader(segments, segment, offset, after.seq(), after.lsn());
    }

    @Override
    public void showWritten() {
        early = true;
    }

    @Override
    public boolean waitsForDisk() {
        return waitsForDisk;
    }

    private long readableEnd() {
        return early ? segment.writtenEnd() : segment.durableEnd();
    }

    @Override
    public RecordHeader next() throws IOException {
        return next(null);
    }

    @Override
    public RecordHeader next(Set<Integer> tableIds) throws IOException {
        current = null;
        waitsForDisk = false;
        while (true) {
            // Closed is read first: a segment grows before it is closed. What is durable is part of what is written.
            boolean closed = segment.isClosed();
            long durable = segment.durableEnd();
            long end = readableEnd();
            if (at >= end) {
                if (!closed && segment.isRemoved()) {
                    throw new PositionPrunedException(
                            "the queue was reset while " + segment.file() + " was read; a re-sync is needed");
                }
                if (!closed || !enterNext(tableIds)) {
                    return null;
                }
            } else if (window.at(at, 4, end).getInt() == GroupTrailer.MAGIC) {
                at += GroupTrailer.LENGTH;
            } else if (tableIds == null || !passOver(tableIds, end)) {
                RecordHeader header = Bodies.header(window, at, end);
                if (at >= durable && !mayComeEarly(header)) {
                    waitsForDisk = true;
                    return null;
                }
                currentOffset = at;
                at = segment.endOf(header, at);
                pass(header);
                current = header;
                return header;
            }
        }
    }

    /** What comes again the same after a power failure; what the forwarder or capture decided need not. */
    private static boolean mayComeEarly(RecordHeader header) {
        return header.isTransaction() || header.kind() == RecordKind.HEARTBEAT;
    }

    /** Passes the record at hand if it is a transaction with none of the tables. */
    private boolean passOver(Set<Integer> tableIds, long end) throws IOException {
        if (!view.at(Bodies.headerBytes(window, at, end)) || !view.isTransaction() || view.concernsAny(tableIds)) {
            return false;
        }
        passedSeq = view.seq();
        passedLsn = view.lsn();
        at += segment.header().isLarge() ? view.headerLength() : view.totalLength();
        return true;
    }

    private boolean enterNext(Set<Integer> tableIds) throws IOException {
        Segment next = segments.after(segment);
        if (next == null) {
            return false;
        }
        while (tableIds != null && next.isClosed() && canSkip(next, tableIds)) {
            Segment behind = segments.after(next);
            if (behind == null) {
                break;
            }
            passedSeq = next.stats().lastSeq();
            passedLsn = next.stats().sourceLsn();
            next = behind;
        }
        FileWindow opened = segments.open(next);
        window.close();
        window = opened;
        segment = next;
        at = next.openingEnd();
        return true;
    }

    private static boolean canSkip(Segment closed, Set<Integer> tableIds) {
        return !closed.stats().hasControlRecords() && !closed.stats().concernsAny(tableIds);
    }

    private void pass(RecordHeader header) {
        if (header.isTransaction()) {
            passedSeq = header.seq();
        }
        if (header.isTransaction() || header.kind() == RecordKind.HEARTBEAT) {
            passedLsn = header.lsn();
        }
    }

    @Override
    public long passedSeq() {
        return passedSeq;
    }

    @Override
    public long passedLsn() {
        return passedLsn;
    }

    @Override
    public ByteBuffer image(int maxBytes, BlockVisitor blocks) throws IOException {
        RecordHeader header = requireCurrent();
        if (header.totalLength() > maxBytes) {
            throw new IllegalStateException(header + " has " + header.totalLength() + " bytes, more than " + maxBytes
                    + "; read it block by block");
        }
        long body = segment.bodyOffset(header, currentOffset);
        Bodies.walk(window, body, header.bodyLength(), block -> true, (block, bytes) -> blocks.met(block));
        int length = (int) header.totalLength();
        if (body == currentOffset + header.headerLength()) {
            ByteBuffer image = window.at(currentOffset, length, readableEnd());
            return image.limit(image.position() + length).slice();
        }
        ByteBuffer image = ByteBuffer.allocate(length);
        header.encode(image);
        int bodyLength = (int) header.bodyLength();
        ByteBuffer bytes = window.at(body, bodyLength, readableEnd());
        return image.put(bytes.limit(bytes.position() + bodyLength)).flip();
    }

    @Override
    public void blocks(Set<Integer> tableIds, RecordHandler handler) throws IOException {
        RecordHeader header = requireCurrent();
        handler.header(header);
        Bodies.walk(
                window,
                segment.bodyOffset(header, currentOffset),
                header.bodyLength(),
                block -> tableIds == null || tableIds.contains(block.tableId()),
                handler::block);
        handler.end(header);
    }

    private RecordHeader requireCurrent() {
        if (current == null) {
            throw new IllegalStateException("the reader stands on no record: call next() first");
        }
        return current;
    }

    @Override
    public Path file() {
        return segment.file();
    }

    @Override
    public long offset() {
        return currentOffset;
    }

    @Override
    public void close() throws IOException {
        window.close();
    }
}
