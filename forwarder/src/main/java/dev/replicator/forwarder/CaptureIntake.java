package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.RecordStreamParser;
import dev.replicator.queue.format.TableSchemas;
import dev.replicator.queue.store.QueueFullException;
import dev.replicator.queue.store.ReplicationQueue;
import dev.replicator.runtime.Backoff;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Turns the byte stream of one capture connection into appends. A record that fits is put together and appended whole; a
 * large transaction goes to disk block by block. What lies at or below the tail must equal what is here and is dropped.
 *
 * <p>Used by one thread at a time (gRPC delivers a stream's messages in order).
 */
final class CaptureIntake {
    private static final int INITIAL_IMAGE_BYTES = 64 << 10;

    private final IntakeRules rules;
    private final QueueAppender appender;
    private final Observer observer;
    private final Consumer<String> obstacle;
    private final Backoff backoff = new Backoff(Duration.ofMillis(50), Duration.ofSeconds(2));
    private final RecordStreamParser parser;
    private final long wholeBytes;

    private Mode mode = Mode.DROP;
    private ByteBuffer image = ByteBuffer.allocate(INITIAL_IMAGE_BYTES);

    /** What happens to the current record. */
    private enum Mode {
        DROP,
        WHOLE,
        LARGE
    }

    /** Is told of records the forwarder itself acts upon, after they were appended. */
    interface Observer {
        void schema(TableSchema schema, Position at) throws IOException;

        void marker(String json, Position at) throws IOException;

        /** A new epoch begins in mid-stream, before its first record is appended. */
        void newEpoch(Position base) throws IOException;

        /** A transaction was appended. */
        void transaction(RecordHeader header);
    }

    /**
     * @param peer names the connection in messages
     * @param wholeBytes records up to this length are put together in memory
     * @param obstacle told why appending waits, and null when it goes on
     */
    CaptureIntake(
            String peer,
            ReplicationQueue queue,
            QueueAppender appender,
            long wholeBytes,
            Observer observer,
            Consumer<String> obstacle) {
        this.rules = new IntakeRules(queue, appender);
        this.appender = appender;
        this.wholeBytes = wholeBytes;
        this.observer = observer;
        this.obstacle = obstacle;
        this.parser = new RecordStreamParser(peer, new Handler());
    }

    /** Appends what the slice completes. Blocks while the disk is full. */
    void feed(ByteBuffer slice) throws IOException {
        parser.feed(slice);
        appender.write(this);
    }

    /** Ends a wait for disk space. */
    void cancel() {
        backoff.cancel();
    }

    private final class Handler implements RecordHandler {
        @Override
        public void header(RecordHeader header) throws IOException {
            mode = decide(header);
            if (mode == Mode.WHOLE) {
                int length = Math.toIntExact(header.totalLength());
                if (image.capacity() < length) {
                    image = ByteBuffer.allocate(length);
                }
                image.clear();
                header.encode(image);
            } else if (mode == Mode.LARGE) {
                retrying(() -> appender.beginLarge(CaptureIntake.this));
            }
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) throws IOException {
            if (mode == Mode.WHOLE) {
                image.put(block);
            } else if (mode == Mode.LARGE) {
                retrying(() -> appender.appendLarge(CaptureIntake.this, block.duplicate()));
            }
        }

        @Override
        public void end(RecordHeader header) throws IOException {
            if (mode == Mode.WHOLE) {
                store(header, image.flip());
                if (image.capacity() > INITIAL_IMAGE_BYTES * 16) {
                    image = ByteBuffer.allocate(INITIAL_IMAGE_BYTES);
                }
            } else if (mode == Mode.LARGE) {
                retrying(() -> appender.endLarge(CaptureIntake.this, header));
                observer.transaction(header);
            }
        }

        @Override
        public boolean wantsWhole(RecordHeader header) {
            return header.totalLength() <= wholeBytes;
        }

        @Override
        public void whole(RecordHeader header, ByteBuffer record) throws IOException {
            if (decide(header) != Mode.DROP) {
                store(header, record);
            }
        }
    }

    private Mode decide(RecordHeader header) throws IOException {
        if (header.kind() == RecordKind.TABLE_SET) {
            throw new CorruptRecordException("capture's stream", 0, "a TABLE_SET record; only a forwarder makes them");
        }
        switch (rules.of(header)) {
            case DROP -> {
                return Mode.DROP;
            }
            case NEW_EPOCH -> observer.newEpoch(rules.baseOf(header));
            case APPEND -> {}
        }
        return header.totalLength() <= wholeBytes ? Mode.WHOLE : Mode.LARGE;
    }

    private void store(RecordHeader header, ByteBuffer record) throws IOException {
        if (header.kind() == RecordKind.SCHEMA) {
            TableSchema schema = TableSchemas.fromJson(ControlRecords.jsonOf(header, record));
            boolean repeated = header.hasFlag(RecordHeader.FLAG_REPEATED);
            if (appender.isNews(schema, repeated)) {
                if (repeated) {
                    // The copy becomes the record: here it is not a repetition.
                    ByteBuffer first = ControlRecords.schema(header.position(), schema, false);
                    append(RecordHeader.decode(first.duplicate(), "SCHEMA", 0), first);
                } else {
                    append(header, record);
                }
                observer.schema(schema, header.position());
            }
            return;
        }
        append(header, record);
        if (header.isTransaction()) {
            observer.transaction(header);
        } else if (header.kind() == RecordKind.DUMP_MARKER) {
            observer.marker(ControlRecords.jsonOf(header, record), header.position());
        }
    }

    private void append(RecordHeader header, ByteBuffer record) throws IOException {
        retrying(() -> appender.append(this, header, record.duplicate()));
    }

    private void retrying(Append append) throws IOException {
        boolean waited = false;
        while (true) {
            try {
                append.run();
                if (waited) {
                    obstacle.accept(null);
                    backoff.reset();
                }
                return;
            } catch (QueueFullException e) {
                obstacle.accept(e.getMessage());
                waited = true;
                pause(e);
            }
        }
    }

    private void pause(QueueFullException reason) throws IOException {
        try {
            backoff.pause();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            InterruptedIOException ended = new InterruptedIOException("ended while waiting for disk space");
            ended.addSuppressed(reason);
            throw ended;
        }
    }

    /** One append that may find the disk full. */
    private interface Append {
        void run() throws IOException;
    }
}
