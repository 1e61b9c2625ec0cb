package dev.replicator.queue.store;

import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.zip.CRC32C;

/**
 * A large transaction's own segment: body first, then the schemas, then the header, then trailer and footer; all
 * append-only. The file joins the queue by its renaming.
 */
final class LargeTransaction implements LargeRecord {
    private static final int BUFFER_BYTES = 1 << 20;
    /** Dirty pages are pushed out every so often, or the last fsync would stop everything behind it for long. */
    private static final long FORCE_EVERY_BYTES = 64L << 20;

    /** The queue's side of the matter. */
    interface Owner {
        /** Checks that the header follows. */
        void check(RecordHeader header) throws IOException;

        /** Schemas the body may use. */
        List<TableSchema> schemas();

        /** Makes the complete, durable file part of the queue and gives it its final name. */
        void publish(Segment large, RecordHeader header) throws IOException;

        /** The record is committed or given up. */
        void ended();
    }

    private enum State {
        OPEN,
        BROKEN,
        CLOSED
    }

    private final Storage storage;
    private final Storage.AppendFile out;
    private final Path file;
    private final SegmentHeader header;
    private final Owner owner;
    private final ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    private final CRC32C crc = new CRC32C();
    private State state = State.OPEN;
    private long end;
    private long forced;
    private boolean sealed;

    LargeTransaction(Storage storage, Path directory, SegmentHeader header, Owner owner) throws IOException {
        this.storage = storage;
        this.header = header;
        this.owner = owner;
        this.file = SegmentFiles.name(directory, header.number(), SegmentFiles.LARGE);
        storage.delete(file);
        this.out = storage.create(file);
        buffer.put(header.encode());
    }

    @Override
    public void appendBody(ByteBuffer blocks) throws IOException {
        checkOpen();
        if (blocks.remaining() > buffer.remaining()) {
            flush();
        }
        if (blocks.remaining() > buffer.remaining()) {
            write(arrayBacked(blocks));
        } else {
            buffer.put(blocks);
        }
        blocks.position(blocks.limit());
        if (end - forced >= FORCE_EVERY_BYTES) {
            force();
        }
    }

    @Override
    public void commit(RecordHeader record) throws IOException {
        checkOpen();
        owner.check(record);
        flush();
        if (record.bodyLength() != end - SegmentHeader.LENGTH) {
            throw new IllegalArgumentException(
                    "the body has " + (end - SegmentHeader.LENGTH) + " bytes, the header says " + record.bodyLength());
        }
        // Nothing behind the body unless an earlier commit found the disk full.
        out.truncate(end);
        Segment segment = seal(record);
        force();
        owner.publish(segment, record);
        state = State.CLOSED;
        out.close();
        owner.ended();
    }

    private Segment seal(RecordHeader record) throws IOException {
        SegmentStats stats = new SegmentStats(header);
        List<ByteBuffer> schemas = SegmentWriter.repeated(header, owner.schemas());
        int schemaBytes = schemas.stream().mapToInt(ByteBuffer::remaining).sum();
        long headerOffset = end + schemaBytes;
        long trailerOffset = headerOffset + record.headerLength();
        long footerOffset = trailerOffset + GroupTrailer.LENGTH;
        ByteBuffer tail = ByteBuffer.allocate((int) (footerOffset - end));
        for (ByteBuffer image : schemas) {
            stats.add(SegmentWriter.headerOf(image), end + tail.position());
            tail.put(image);
        }
        stats.add(record, headerOffset);
        record.encode(tail);
        new GroupTrailer(schemas.size() + 1, SegmentHeader.LENGTH, trailerOffset, record.seq(), stats.sourceLsn())
                .encode(tail, header.salt());
        tail.flip();
        CRC32C whole = contentCrc();
        whole.update(tail.duplicate());
        SegmentFooter footer = stats.footer(footerOffset, end, headerOffset, (int) whole.getValue());
        ByteBuffer last = footer.encode();
        ByteBuffer both = ByteBuffer.allocate(tail.remaining() + last.remaining())
                .put(tail)
                .put(last)
                .flip();
        writeAt(both, end);
        Segment segment = new Segment(file, header, stats, end, headerOffset, footerOffset);
        segment.close(file, footer);
        return segment;
    }

    /** Checksum of the file up to the body's end; read again when an earlier attempt to seal went on with it. */
    private CRC32C contentCrc() throws IOException {
        if (!sealed) {
            sealed = true;
            return crc;
        }
        try (FileWindow window = new FileWindow(file)) {
            return SegmentScanner.contentCrc(window, end);
        }
    }

    private void flush() throws IOException {
        if (buffer.position() > 0) {
            write(buffer.duplicate().flip());
            buffer.clear();
        }
    }

    private void write(ByteBuffer bytes) throws IOException {
        ByteBuffer counted = bytes.duplicate();
        writeAt(bytes, end);
        end += counted.remaining();
        crc.update(counted);
    }

    private void writeAt(ByteBuffer bytes, long offset) throws IOException {
        try {
            out.write(bytes, offset);
        } catch (QueueFullException full) {
            out.truncate(offset);
            throw full;
        } catch (IOException e) {
            state = State.BROKEN;
            throw e;
        }
    }

    private void force() throws IOException {
        try {
            out.force();
            forced = end;
        } catch (IOException e) {
            state = State.BROKEN;
            throw e;
        }
    }

    private void checkOpen() throws IOException {
        if (state == State.CLOSED) {
            throw new IllegalStateException("the large transaction is already committed or closed");
        }
        if (state == State.BROKEN) {
            throw new IOException("writing " + file + " failed before; close it and begin again");
        }
    }

    private static ByteBuffer arrayBacked(ByteBuffer blocks) {
        if (blocks.hasArray()) {
            return blocks.duplicate();
        }
        return ByteBuffer.allocate(blocks.remaining()).put(blocks.duplicate()).flip();
    }

    @Override
    public void close() throws IOException {
        if (state != State.CLOSED) {
            state = State.CLOSED;
            try {
                out.close();
                storage.delete(file);
            } finally {
                owner.ended();
            }
        }
    }
}
