package dev.replicator.queue.store;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHeader;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * Writes the active segment: records, the ends of commit groups, then the footer. Not thread-safe: its owner lets one thread in at a
 * time.
 */
final class SegmentWriter implements Closeable {
    private final Storage storage;
    private final Storage.AppendFile out;
    private final Segment segment;
    private final CRC32C crc;
    private Path file;
    private long written;
    private long end;

    private SegmentWriter(Storage storage, Storage.AppendFile out, Segment segment, CRC32C crc) {
        this.storage = storage;
        this.out = out;
        this.segment = segment;
        this.crc = crc;
        this.file = segment.file();
        this.end = segment.durableEnd();
        this.written = end;
    }

    /**
     * Creates a segment with its opening schemas, durable but not yet under its name: see {@link #publish}. Its
     * existence under that name proves that the opening group is whole.
     */
    static SegmentWriter create(Storage storage, Path directory, SegmentHeader header, List<TableSchema> opening)
            throws IOException {
        Path file = SegmentFiles.name(directory, header.number(), SegmentFiles.NEW);
        storage.delete(file);
        SegmentStats stats = new SegmentStats(header);
        ByteBuffer bytes = opening(header, opening, stats);
        Storage.AppendFile out = storage.create(file);
        try {
            out.write(bytes.duplicate(), 0);
            out.force();
        } catch (IOException e) {
            try {
                out.close();
                storage.delete(file);
            } catch (IOException onTop) {
                e.addSuppressed(onTop);
            }
            throw e;
        }
        CRC32C crc = new CRC32C();
        crc.update(bytes.duplicate());
        Segment segment = new Segment(file, header, stats, SegmentHeader.LENGTH, bytes.remaining(), bytes.remaining());
        return new SegmentWriter(storage, out, segment, crc);
    }

    /** Goes on with a segment that recovery has scanned; whatever stands behind its end is cut. */
    static SegmentWriter reopen(Storage storage, Segment segment, CRC32C crc, long size) throws IOException {
        Storage.AppendFile out = storage.open(segment.file());
        if (size > segment.durableEnd()) {
            out.truncate(segment.durableEnd());
            out.force();
        }
        return new SegmentWriter(storage, out, segment, crc);
    }

    private static ByteBuffer opening(SegmentHeader header, List<TableSchema> schemas, SegmentStats stats) {
        List<ByteBuffer> images = repeated(header, schemas);
        int length = images.stream().mapToInt(ByteBuffer::remaining).sum();
        int total = SegmentHeader.LENGTH + length + GroupTrailer.LENGTH;
        ByteBuffer bytes = ByteBuffer.allocate(total).put(header.encode());
        for (ByteBuffer image : images) {
            stats.add(headerOf(image), bytes.position());
            bytes.put(image);
        }
        int trailer = bytes.position();
        new GroupTrailer(
                        images.size(),
                        SegmentHeader.LENGTH,
                        trailer,
                        header.base().seq(),
                        header.sourceLsn())
                .encode(bytes, header.salt());
        return bytes.flip();
    }

    /** Copies of SCHEMA records that stand at a segment's base. */
    static List<ByteBuffer> repeated(SegmentHeader header, List<TableSchema> schemas) {
        List<ByteBuffer> images = new ArrayList<>();
        for (TableSchema schema : schemas) {
            images.add(ControlRecords.schema(header.base(), schema, true));
        }
        return images;
    }

    static RecordHeader headerOf(ByteBuffer image) {
        try {
            return RecordHeader.decode(image.duplicate(), "memory", 0);
        } catch (IOException e) {
            throw new IllegalStateException("a record just encoded cannot be decoded", e);
        }
    }

    Segment segment() {
        return segment;
    }

    /** Offset behind the last group that has its end; durable after {@link #force}. */
    long end() {
        return end;
    }

    /** Offset behind the last record. */
    long written() {
        return written;
    }

    /** Gives a new segment its name; durable after a directory sync. */
    void publish() throws IOException {
        rename(SegmentFiles.OPEN);
    }

    /** Forgets a segment that was created and not published. */
    void abandon() throws IOException {
        out.close();
        storage.delete(file);
    }

    /**
     * Writes records of the group that is under way, without making them durable.
     *
     * @param records array-backed; consumed
     * @throws QueueFullException when the disk is full; the file is as before and the call may be repeated
     */
    void write(ByteBuffer records) throws IOException {
        ByteBuffer bytes = records.duplicate();
        writeOrCut(records, written);
        crc.update(bytes.duplicate());
        written += bytes.remaining();
    }

    /**
     * Writes the end of the group under way; {@link #force} makes it durable. Not before the group in front is durable.
     *
     * @throws QueueFullException when the disk is full; the file is as before and the call may be repeated
     */
    void endGroup(int records, long lastSeq, long sourceLsn) throws IOException {
        ByteBuffer trailer = ByteBuffer.allocate(GroupTrailer.LENGTH);
        new GroupTrailer(records, end, written, lastSeq, sourceLsn).encode(trailer, segment.salt());
        write(trailer.flip());
        end = written;
    }

    /** Makes everything written durable. */
    void force() throws IOException {
        out.force();
    }

    /** Writes the footer and gives the file its final name; durable after a directory sync. */
    void finish() throws IOException {
        SegmentFooter footer =
                segment.stats().footer(end, segment.openingStart(), segment.openingEnd(), (int) crc.getValue());
        writeOrCut(footer.encode(), end);
        out.force();
        rename(SegmentFiles.CLOSED);
        segment.close(file, footer);
        out.close();
    }

    private void writeOrCut(ByteBuffer bytes, long offset) throws IOException {
        try {
            out.write(bytes, offset);
        } catch (QueueFullException full) {
            out.truncate(offset);
            throw full;
        }
    }

    private void rename(String state) throws IOException {
        Path target = SegmentFiles.name(file.getParent(), segment.number(), state);
        storage.rename(file, target);
        file = target;
        segment.moved(target);
    }

    @Override
    public void close() throws IOException {
        out.close();
    }
}
