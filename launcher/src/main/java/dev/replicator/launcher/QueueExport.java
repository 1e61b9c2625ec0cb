package dev.replicator.launcher;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueInspector;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.cli.Human;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
        name = "export",
        description = "Write one transaction to a file of its own: its tables' SCHEMA records, then its image.")
final class QueueExport implements Callable<Integer> {
    private static final String ATTEMPT = "Cannot export a transaction";

    @Mixin
    private QueueView view;

    @Parameters(index = "0", paramLabel = "SEQ", description = "Number of the transaction.")
    private long seq;

    @Parameters(index = "1", paramLabel = "FILE", description = "File to create; must not exist.")
    private Path file;

    @Override
    public Integer call() {
        return view.with(ATTEMPT, this::export);
    }

    private int export(QueueInspector queue) throws IOException {
        try (QueueReader reader = queue.readAt(seq).orElseThrow(() -> QueueList.notHere(ATTEMPT, seq, queue))) {
            RecordHeader header = reader.next();
            try (OutputStream out = create()) {
                write(queue, reader, header, out);
            }
        }
        print();
        return 0;
    }

    private void write(QueueInspector queue, QueueReader reader, RecordHeader header, OutputStream out)
            throws IOException {
        try {
            WritableByteChannel channel = Channels.newChannel(out);
            for (TableSchema schema : schemas(queue, reader)) {
                channel.write(ControlRecords.schema(header.position(), schema, true));
            }
            reader.blocks(null, new Copy(channel));
            out.flush();
        } catch (IOException | RuntimeException e) {
            Files.delete(file);
            throw e;
        }
    }

    private OutputStream create() throws IOException {
        try {
            return new BufferedOutputStream(Files.newOutputStream(file, StandardOpenOption.CREATE_NEW));
        } catch (FileAlreadyExistsException e) {
            throw new ReplicatorException(
                    ErrorCode.USAGE, ATTEMPT + ": " + file + " exists", "Give the name of a new file.", e);
        }
    }

    private static Set<TableSchema> schemas(QueueInspector queue, QueueReader reader) throws IOException {
        Set<TableSchema> schemas = new LinkedHashSet<>();
        reader.blocks(null, new RecordHandler() {
            @Override
            public void header(RecordHeader header) {}

            @Override
            public void block(BlockHeader block, ByteBuffer bytes) {
                queue.schema(block.tableId(), block.fingerprint()).ifPresent(schemas::add);
            }

            @Override
            public void end(RecordHeader header) {}
        });
        return schemas;
    }

    private void print() throws IOException {
        long bytes = Files.size(file);
        if (view.isJson()) {
            JsonGenerator json = view.json();
            json.writeStartObject();
            json.writeNumberField("seq", seq);
            json.writeStringField("file", file.toString());
            json.writeNumberField("bytes", bytes);
            json.writeEndObject();
            view.end(json);
        } else {
            view.out().println("transaction " + seq + " written to " + file + ", " + Human.bytes(bytes));
            view.out().flush();
        }
    }

    /** Writes a record as it stands. */
    private record Copy(WritableByteChannel out) implements RecordHandler {
        @Override
        public void header(RecordHeader header) throws IOException {
            out.write(header.encode());
        }

        @Override
        public void block(BlockHeader header, ByteBuffer block) throws IOException {
            out.write(block);
        }

        @Override
        public void end(RecordHeader header) {}
    }
}
