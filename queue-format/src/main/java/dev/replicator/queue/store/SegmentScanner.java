package dev.replicator.queue.store;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableSchemas;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Reads an open segment from its first group on, verifies every byte, and decides what a bad place means (rule R16): an
 * incomplete last group is torn; anything bad in front of a later group, or in the opening group, is corruption.
 */
final class SegmentScanner {
    /** Takes the records of complete groups, in order. */
    interface Visitor {
        /**
         * @param schema content of a SCHEMA record, else null
         */
        void record(RecordHeader header, long offset, TableSchema schema) throws IOException;
    }

    /**
     * What a scan found.
     *
     * @param openingEnd offset behind the opening group
     * @param end offset behind the last complete group; a footer may follow
     * @param footer the footer, or null
     * @param suspect what is wrong in a last group that has its end all the same: it was damaged, or the power failed while
     *     it was on its way to disk, which keeps no order of pages; null when nothing is, or the group's end is missing
     */
    record Result(long openingEnd, long end, SegmentFooter footer, CorruptQueueException suspect) {}

    private record Seen(RecordHeader header, long offset, TableSchema schema) {}

    private final FileWindow window;
    private final int salt;
    private final long limit;
    private final Visitor visitor;
    private final boolean complete;
    private final List<Seen> group = new ArrayList<>();

    /**
     * @param limit end of the part to read
     * @param complete whether all of it must be good: a closed segment has no torn end
     */
    SegmentScanner(FileWindow window, SegmentHeader header, long limit, boolean complete, Visitor visitor) {
        this.window = window;
        this.salt = header.salt();
        this.limit = limit;
        this.complete = complete;
        this.visitor = visitor;
    }

    /**
     * @throws CorruptQueueException when something that was durable is damaged
     */
    Result scan() throws IOException {
        long groupOffset = SegmentHeader.LENGTH;
        long openingEnd = 0;
        long at = groupOffset;
        CorruptQueueException suspect = null;
        while (at < limit) {
            GroupTrailer trailer = trailerAt(at);
            if (trailer != null && trailer.groupOffset() == groupOffset && trailer.records() == group.size()) {
                deliver();
                at += GroupTrailer.LENGTH;
                groupOffset = at;
                openingEnd = openingEnd == 0 ? at : openingEnd;
                continue;
            }
            SegmentFooter footer = at == groupOffset ? footerAt(at) : null;
            if (footer != null) {
                return new Result(openingEnd, at, footer, null);
            }
            try {
                at = recordAt(at);
            } catch (CorruptQueueException damage) {
                suspect = refuseUnlessTorn(damage, groupOffset);
                break;
            }
        }
        if (openingEnd == 0) {
            throw new CorruptQueueException(
                    window.file(), groupOffset, "the segment's opening schemas are incomplete at " + limit);
        }
        if (complete && groupOffset < limit) {
            throw new CorruptQueueException(window.file(), groupOffset, "a commit group without its end");
        }
        return new Result(openingEnd, groupOffset, null, suspect);
    }

    private GroupTrailer trailerAt(long at) throws IOException {
        return limit - at < GroupTrailer.LENGTH
                ? null
                : GroupTrailer.decode(window.at(at, GroupTrailer.LENGTH, limit), at, salt);
    }

    private void deliver() throws IOException {
        for (Seen seen : group) {
            visitor.record(seen.header(), seen.offset(), seen.schema());
        }
        group.clear();
    }

    private SegmentFooter footerAt(long at) throws IOException {
        if (limit - at < SegmentFooter.FIXED_LENGTH + SegmentFooter.END_LENGTH
                || window.at(at, 4, limit).getInt() != SegmentFooter.MAGIC) {
            return null;
        }
        ByteBuffer bytes = window.at(at, Math.toIntExact(limit - at), limit);
        try {
            return SegmentFooter.decode(bytes, window.file(), at);
        } catch (CorruptQueueException torn) {
            // Written in part: the segment was about to be closed, nothing in it is needed.
            return null;
        }
    }

    private long recordAt(long at) throws IOException {
        RecordHeader header = Bodies.header(window, at, limit);
        long body = at + header.headerLength();
        if (header.bodyLength() > limit - body) {
            throw new CorruptQueueException(window.file(), at, "record " + header + " reaches beyond the file's end");
        }
        TableSchema[] schema = new TableSchema[1];
        Bodies.walk(window, body, header.bodyLength(), block -> true, (block, bytes) -> {
            if (header.kind() == RecordKind.SCHEMA) {
                schema[0] = schemaOf(window, at, bytes);
            }
        });
        group.add(new Seen(header, at, schema[0]));
        return body + header.bodyLength();
    }

    /** Content of a SCHEMA record's block. */
    static TableSchema schemaOf(FileWindow window, long offset, ByteBuffer block) throws CorruptQueueException {
        try {
            return TableSchemas.fromJson(ControlRecords.jsonOf(block));
        } catch (CorruptRecordException e) {
            throw new CorruptQueueException(window.file(), offset, e.detail());
        }
    }

    /** Returns what speaks against a torn end: the group's own end is there. */
    private CorruptQueueException refuseUnlessTorn(CorruptQueueException damage, long groupOffset) throws IOException {
        group.clear();
        if (complete || groupOffset == SegmentHeader.LENGTH) {
            // The opening group was durable before the file got its name.
            throw damage;
        }
        CorruptQueueException suspect = null;
        for (long at = groupOffset + 1; at <= limit - GroupTrailer.LENGTH; at++) {
            at = nextMagic(at);
            GroupTrailer later = at < 0 ? null : trailerAt(at);
            if (at < 0) {
                break;
            }
            if (later != null && later.groupOffset() > groupOffset) {
                throw new CorruptQueueException(
                        window.file(),
                        damage.offset(),
                        damage.detail() + " (a later commit group at " + later.groupOffset()
                                + " is complete, so this was durable)");
            }
            if (later != null && later.groupOffset() == groupOffset) {
                suspect = new CorruptQueueException(
                        window.file(),
                        damage.offset(),
                        damage.detail() + " (its commit group ends at " + at
                                + " and was written whole: damage, unless the power failed in that moment)");
            }
        }
        refuseBeforeFooter(damage);
        return suspect;
    }

    /** Offset of the next possible trailer, or -1. */
    private long nextMagic(long from) throws IOException {
        long at = from;
        while (at <= limit - GroupTrailer.LENGTH) {
            int count = (int) Math.min(64 << 10, limit - at);
            ByteBuffer bytes = window.at(at, count, limit);
            int start = bytes.position();
            for (int i = 0; i + 4 <= count; i++) {
                if (bytes.getInt(start + i) == GroupTrailer.MAGIC) {
                    return at + i;
                }
            }
            at += count - 3;
        }
        return -1;
    }

    private void refuseBeforeFooter(CorruptQueueException damage) throws IOException {
        SegmentFooter footer;
        try {
            footer = Segment.readFooter(window, limit);
        } catch (CorruptQueueException none) {
            return;
        }
        throw new CorruptQueueException(
                window.file(),
                damage.offset(),
                damage.detail() + " (the segment's footer at " + footer.offset()
                        + " is complete, so this was durable)");
    }

    /** Checksum of a file's first bytes, as the footer holds it. */
    static CRC32C contentCrc(FileWindow window, long length) throws IOException {
        CRC32C crc = new CRC32C();
        long at = 0;
        while (at < length) {
            int count = (int) Math.min(256 << 10, length - at);
            ByteBuffer bytes = window.at(at, count, length);
            crc.update(bytes.limit(bytes.position() + count));
            at += count;
        }
        return crc;
    }
}
