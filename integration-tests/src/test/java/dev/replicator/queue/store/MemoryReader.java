package dev.replicator.queue.store;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableShare;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;

/** Reads a {@link MemoryDisk}; refuses to begin where {@link ReplicationQueue#readAfter} says. */
public final class MemoryReader implements QueueReader {
    private final MemoryDisk disk;
    private final List<StoredRecord> pending;
    private MemoryDisk.Segment segment;
    private int next;
    private StoredRecord current;
    private long passedSeq;
    private long passedLsn;
    private final int resets;

    private final Deque<StoredRecord> opening = new ArrayDeque<>();
    private boolean early;
    /** Records shown that were not on disk then: the next ones there, or the first ones that wait. */
    private int ahead;

    private MemoryReader(
            MemoryDisk disk, List<StoredRecord> pending, MemoryDisk.Segment segment, int next, Position passed) {
        this.disk = disk;
        this.pending = pending;
        this.resets = disk.resets;
        this.segment = segment;
        this.next = next;
        this.passedSeq = passed.seq();
        this.passedLsn = passed.lsn();
    }

    static MemoryReader fromStart(MemoryDisk disk, List<StoredRecord> pending) throws IOException {
        MemoryDisk.Segment first = disk.segments.get(0);
        return atStart(disk, pending, first, first.base);
    }

    /** With copies of the schemas in force there. */
    private static MemoryReader atStart(
            MemoryDisk disk, List<StoredRecord> pending, MemoryDisk.Segment segment, Position passed)
            throws IOException {
        MemoryReader reader = new MemoryReader(disk, pending, segment, 0, passed);
        for (TableSchema schema : segment.opening) {
            reader.opening.add(StoredRecord.of(ControlRecords.schema(segment.base, schema, true)));
        }
        return reader;
    }

    static MemoryReader after(MemoryDisk disk, List<StoredRecord> pending, Position after) throws IOException {
        MemoryDisk.Segment oldest = disk.segments.get(0);
        Position tail = disk.tail();
        if (after.seq() < oldest.base.seq()
                || after.epoch().number() < oldest.base.epoch().number()) {
            throw new PositionPrunedException(after + " is no longer here");
        }
        List<MemoryDisk.Segment> ofEpoch = disk.segments.stream()
                .filter(each -> each.base.epoch().equals(after.epoch()))
                .toList();
        boolean current = after.epoch().equals(tail.epoch());
        if (ofEpoch.isEmpty()) {
            if (after.epoch().number() > tail.epoch().number() && after.seq() >= tail.seq()) {
                throw new PositionAheadException(after + " is beyond " + tail);
            }
            throw new ForkedHistoryException("epoch " + after.epoch() + " is not here");
        }
        long last = current ? tail.seq() : ofEpoch.get(ofEpoch.size() - 1).lastSeq();
        if (after.seq() > last) {
            if (current) {
                throw new PositionAheadException(after + " is beyond " + tail);
            }
            throw new ForkedHistoryException("that epoch ended with seq " + last);
        }
        return locate(disk, pending, after, ofEpoch);
    }

    private static MemoryReader locate(
            MemoryDisk disk, List<StoredRecord> pending, Position after, List<MemoryDisk.Segment> ofEpoch)
            throws IOException {
        for (MemoryDisk.Segment each : ofEpoch) {
            for (int i = 0; i < each.records.size(); i++) {
                RecordHeader header = each.records.get(i).header();
                if (header.isTransaction() && header.seq() == after.seq()) {
                    compare(after, header.position());
                    return new MemoryReader(disk, pending, each, i + 1, after);
                }
            }
        }
        for (MemoryDisk.Segment each : ofEpoch) {
            if (each.base.seq() == after.seq()) {
                compare(after, each.base);
                return atStart(disk, pending, each, after);
            }
        }
        throw new ForkedHistoryException("that epoch begins behind " + ofEpoch.get(0).base);
    }

    private static void compare(Position asked, Position ours) throws ForkedHistoryException {
        if (!asked.equals(ours)) {
            throw new ForkedHistoryException("asked for " + asked + ", here is " + ours);
        }
    }

    /** The record that {@link #next} moved to. */
    public StoredRecord record() {
        return current;
    }

    @Override
    public RecordHeader next() throws IOException {
        if (!opening.isEmpty()) {
            current = opening.poll();
            return current.header();
        }
        if (resets != disk.resets) {
            throw new PositionPrunedException("the queue was reset");
        }
        while (ahead > 0 && moveOnDisk()) {
            ahead--;
        }
        if (ahead == 0 && moveOnDisk()) {
            return passed();
        }
        if (!early
                || pending.size() <= ahead
                || !mayComeEarly(pending.get(ahead).header())) {
            return null;
        }
        current = pending.get(ahead++);
        return passed();
    }

    /** As {@link SegmentReader} has it. */
    private static boolean mayComeEarly(RecordHeader header) {
        return header.isTransaction() || header.kind() == RecordKind.HEARTBEAT;
    }

    private boolean moveOnDisk() throws PositionPrunedException {
        while (next >= segment.records.size()) {
            MemoryDisk.Segment behind = null;
            for (MemoryDisk.Segment each : disk.segments) {
                if (each.number > segment.number) {
                    behind = each;
                    break;
                }
            }
            if (behind == null) {
                return false;
            }
            if (behind.number != segment.number + 1) {
                throw new PositionPrunedException("the next segment was pruned meanwhile");
            }
            segment = behind;
            next = 0;
        }
        current = segment.records.get(next++);
        return true;
    }

    private RecordHeader passed() {
        RecordHeader header = current.header();
        if (header.isTransaction()) {
            passedSeq = header.seq();
        }
        if (header.isTransaction() || header.kind() == RecordKind.HEARTBEAT) {
            passedLsn = header.lsn();
        }
        return header;
    }

    @Override
    public RecordHeader next(Set<Integer> tableIds) throws IOException {
        while (true) {
            RecordHeader header = next();
            if (header == null || !header.isTransaction()) {
                return header;
            }
            for (TableShare share : header.tables()) {
                if (tableIds.contains(share.tableId())) {
                    return header;
                }
            }
        }
    }

    @Override
    public void showWritten() {
        early = true;
    }

    @Override
    public boolean waitsForDisk() {
        return pending.size() > ahead;
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
        ByteBuffer body = current.image().position(current.header().headerLength());
        while (body.hasRemaining()) {
            BlockHeader block = BlockHeader.peek(body, "model", 0);
            blocks.met(block);
            body.position(body.position() + (int) block.blockLength());
        }
        return current.image();
    }

    @Override
    public void blocks(Set<Integer> tableIds, RecordHandler handler) throws IOException {
        current.blocks(tableIds, handler);
    }

    @Override
    public Path file() {
        return Path.of("model");
    }

    @Override
    public long offset() {
        return next;
    }

    @Override
    public void close() {
        current = null;
    }
}
