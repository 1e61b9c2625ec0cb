package dev.replicator.queue.store;

import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.TableShare;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Map;

/**
 * Checks every byte of a segment: records, blocks, shares of tables, groups, footer, and that each block's schema is
 * known.
 */
final class SegmentVerifier {
    private final Segment segment;
    private final FileWindow window;
    private final SchemaHistory schemas;

    SegmentVerifier(Segment segment, FileWindow window, SchemaHistory schemas) {
        this.segment = segment;
        this.window = window;
        this.schemas = schemas;
    }

    /**
     * @throws CorruptQueueException naming the first damaged place
     */
    void verify() throws IOException {
        SegmentStats stats = new SegmentStats(segment.header());
        long end = segment.durableEnd();
        if (segment.header().isLarge()) {
            verifyLarge(stats, end);
        } else {
            SegmentScanner.Visitor visitor = (record, offset, schema) -> stats.add(record, offset);
            new SegmentScanner(window, segment.header(), end, true, visitor).scan();
        }
        checkShares(end);
        if (segment.isClosed()) {
            checkFooter(stats, end);
        }
    }

    private void verifyLarge(SegmentStats stats, long end) throws IOException {
        long at = segment.openingStart();
        int records = 0;
        while (at < segment.openingEnd()) {
            at = addRecord(stats, at, end);
            records++;
        }
        at = addRecord(stats, at, end);
        GroupTrailer trailer = GroupTrailer.decode(window.at(at, GroupTrailer.LENGTH, end), at, segment.salt());
        if (trailer == null || trailer.records() != records + 1 || at + GroupTrailer.LENGTH != end) {
            throw new CorruptQueueException(segment.file(), at, "the end of the large transaction's group is damaged");
        }
    }

    private long addRecord(SegmentStats stats, long at, long end) throws IOException {
        RecordHeader header = Bodies.header(window, at, end);
        stats.add(header, at);
        return segment.endOf(header, at);
    }

    /** Second pass: what a record's header says of its tables is what its blocks hold. */
    private void checkShares(long end) throws IOException {
        long at = segment.openingStart();
        while (at < end) {
            if (window.at(at, 4, end).getInt() == GroupTrailer.MAGIC) {
                at += GroupTrailer.LENGTH;
            } else {
                RecordHeader header = Bodies.header(window, at, end);
                checkShares(header, at);
                at = segment.endOf(header, at);
            }
        }
    }

    private void checkShares(RecordHeader header, long offset) throws IOException {
        Map<Integer, long[]> sums = new HashMap<>();
        Bodies.walk(window, segment.bodyOffset(header, offset), header.bodyLength(), block -> true, (block, bytes) -> {
            checkSchema(header, offset, block);
            long[] sum = sums.computeIfAbsent(block.tableId(), table -> new long[2]);
            sum[0] += block.changeCount();
            sum[1] += block.blockLength();
        });
        long changes = 0;
        for (TableShare share : header.tables()) {
            long[] sum = sums.getOrDefault(share.tableId(), new long[2]);
            changes += share.changeCount();
            if (sum[0] != share.changeCount() || sum[1] != share.blockBytes()) {
                throw new CorruptQueueException(
                        segment.file(),
                        offset,
                        header + " says " + share + ", its blocks hold " + sum[0] + " changes in " + sum[1] + " bytes");
            }
        }
        if (changes != header.changeCount()) {
            throw new CorruptQueueException(
                    segment.file(), offset, header + ", but its tables have " + changes + " changes");
        }
    }

    private void checkSchema(RecordHeader header, long offset, BlockHeader block) throws IOException {
        if (header.isTransaction()
                && schemas.find(block.tableId(), block.fingerprint()).isEmpty()) {
            throw new CorruptQueueException(
                    segment.file(),
                    offset,
                    String.format(
                            java.util.Locale.ROOT,
                            "no SCHEMA record for table id %d, fingerprint %016x",
                            block.tableId(),
                            block.fingerprint()));
        }
    }

    private void checkFooter(SegmentStats stats, long end) throws IOException {
        int contentCrc = (int) SegmentScanner.contentCrc(window, end).getValue();
        ByteBuffer expected = stats.footer(end, segment.openingStart(), segment.openingEnd(), contentCrc)
                .encode();
        long size = end + expected.remaining();
        if (window.size() != size) {
            throw new CorruptQueueException(
                    segment.file(), end, "the file has " + window.size() + " bytes, expected " + size);
        }
        ByteBuffer actual = window.at(end, expected.remaining(), size);
        if (!actual.limit(actual.position() + expected.remaining()).equals(expected)) {
            throw new CorruptQueueException(
                    segment.file(), end, "the footer does not fit the segment's records or checksum");
        }
    }
}
