package dev.replicator.launcher;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.ControlRecords;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.format.RecordKind;
import dev.replicator.queue.format.TableSchemas;
import dev.replicator.queue.format.TableShare;
import dev.replicator.queue.store.QueueInspector;
import dev.replicator.queue.store.QueueReader;
import dev.replicator.runtime.ErrorCode;
import dev.replicator.runtime.ReplicatorException;
import dev.replicator.runtime.cli.Human;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(name = "list", description = "Every record in order: kind, seq, position, time, changes, size, tables.")
final class QueueList implements Callable<Integer> {
    private static final String ATTEMPT = "Cannot list the queue";
    private static final String ROW = "%-12s %12s  %-18s %-27s %10s %12s  %s";

    @Mixin
    private QueueView view;

    @Option(names = "--from", paramLabel = "SEQ", description = "Begin with this transaction.")
    private Long from;

    @Option(names = "--limit", paramLabel = "N", defaultValue = "-1", description = "Print at most N records.")
    private long limit;

    private final Map<Integer, TableSchema> schemas = new HashMap<>();

    @Override
    public Integer call() {
        return view.with(ATTEMPT, queue -> {
            try (QueueReader reader = open(queue)) {
                if (view.isJson()) {
                    printJson(reader);
                } else {
                    printText(reader);
                }
            }
            return 0;
        });
    }

    private QueueReader open(QueueInspector queue) throws IOException {
        if (from == null) {
            return queue.readFromStart();
        }
        schemas.putAll(queue.schemasAt(from - 1));
        return queue.readAt(from).orElseThrow(() -> notHere(ATTEMPT, from, queue));
    }

    static ReplicatorException notHere(String attempt, long seq, QueueInspector queue) {
        return new ReplicatorException(
                ErrorCode.NOT_FOUND,
                attempt + ": transaction " + seq + " is not in " + queue.directory() + ", which holds "
                        + queue.firstSeq() + " to " + queue.tail().seq(),
                "");
    }

    private void printText(QueueReader reader) throws IOException {
        var out = view.out();
        out.println(
                String.format(Locale.ROOT, ROW, "KIND", "SEQ", "POSITION", "COMMITTED", "CHANGES", "SIZE", "TABLES"));
        RecordHeader header = reader.next();
        for (long count = 0; header != null && count != limit; count++) {
            learn(reader, header);
            String line = String.format(
                    Locale.ROOT,
                    ROW,
                    kind(header),
                    header.seq(),
                    Lsn.format(header.lsn()),
                    Objects.requireNonNullElse(QueueView.time(header.commitMicros()), "-"),
                    Human.count(header.changeCount()),
                    Human.bytes(header.totalLength()),
                    header.tables().stream()
                            .filter(share -> share.tableId() != 0)
                            .map(share -> QueueView.tableName(schemas, share.tableId()))
                            .collect(Collectors.joining(" ")));
            out.println(line.stripTrailing());
            header = reader.next();
        }
        out.flush();
    }

    private void printJson(QueueReader reader) throws IOException {
        JsonGenerator json = view.json();
        json.writeStartArray();
        RecordHeader header = reader.next();
        for (long count = 0; header != null && count != limit; count++) {
            learn(reader, header);
            json.writeStartObject();
            writeHeader(json, header);
            json.writeStringField("file", reader.file().toString());
            json.writeNumberField("offset", reader.offset());
            json.writeArrayFieldStart("tables");
            for (TableShare share : header.tables()) {
                json.writeStartObject();
                json.writeStringField("table", QueueView.tableName(schemas, share.tableId()));
                json.writeNumberField("tableId", Integer.toUnsignedLong(share.tableId()));
                json.writeNumberField("changes", share.changeCount());
                json.writeNumberField("bytes", share.blockBytes());
                json.writeEndObject();
            }
            json.writeEndArray();
            json.writeEndObject();
            header = reader.next();
        }
        json.writeEndArray();
        view.end(json);
    }

    /** Fields every record has. */
    static void writeHeader(JsonGenerator json, RecordHeader header) throws IOException {
        json.writeStringField("kind", header.kind().name());
        json.writeNumberField("epoch", header.position().epoch().number());
        json.writeNumberField("seq", header.seq());
        json.writeStringField("position", Lsn.format(header.lsn()));
        json.writeNumberField("transactionId", header.transactionId());
        json.writeStringField("committedAt", QueueView.time(header.commitMicros()));
        json.writeNumberField("changes", header.changeCount());
        json.writeNumberField("bytes", header.totalLength());
        json.writeBooleanField("repeated", header.hasFlag(RecordHeader.FLAG_REPEATED));
    }

    private static String kind(RecordHeader header) {
        return header.kind() + (header.hasFlag(RecordHeader.FLAG_REPEATED) ? " again" : "");
    }

    private void learn(QueueReader reader, RecordHeader header) throws IOException {
        if (header.kind() == RecordKind.SCHEMA) {
            reader.blocks(null, new RecordHandler() {
                @Override
                public void header(RecordHeader same) {}

                @Override
                public void block(BlockHeader block, ByteBuffer bytes) throws IOException {
                    TableSchema schema = TableSchemas.fromJson(ControlRecords.jsonOf(bytes));
                    schemas.put(schema.tableId(), schema);
                }

                @Override
                public void end(RecordHeader same) {}
            });
        }
    }
}
