package dev.replicator.launcher;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import dev.replicator.queue.format.BlockHeader;
import dev.replicator.queue.format.Blocks;
import dev.replicator.queue.format.ChangeDecoder;
import dev.replicator.queue.format.CorruptRecordException;
import dev.replicator.queue.format.RecordHandler;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.QueueInspector;
import dev.replicator.queue.store.QueueReader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(name = "show", description = "One transaction with its rows: table, operation, column=value.")
final class QueueShow implements Callable<Integer> {
    private static final String ATTEMPT = "Cannot show a transaction";

    @Mixin
    private QueueView view;

    @Parameters(index = "0", paramLabel = "SEQ", description = "Number of the transaction.")
    private long seq;

    @Override
    public Integer call() {
        return view.with(ATTEMPT, this::show);
    }

    private int show(QueueInspector queue) throws IOException {
        try (QueueReader reader = queue.readAt(seq).orElseThrow(() -> QueueList.notHere(ATTEMPT, seq, queue))) {
            reader.next();
            if (view.isJson()) {
                JsonGenerator json = view.json();
                reader.blocks(null, new JsonRows(queue, reader, json));
                view.end(json);
            } else {
                reader.blocks(null, new TextRows(queue, reader));
                view.out().flush();
            }
        }
        return 0;
    }

    /** Decodes blocks and hands the changes on. */
    private abstract static class Rows implements RecordHandler {
        private final QueueInspector queue;
        private final QueueReader reader;

        Rows(QueueInspector queue, QueueReader reader) {
            this.queue = queue;
            this.reader = reader;
        }

        abstract void change(TableSchema schema, RowChange change) throws IOException;

        @Override
        public void block(BlockHeader block, ByteBuffer bytes) throws IOException {
            TableSchema schema = queue.schema(block.tableId(), block.fingerprint())
                    .orElseThrow(() -> new CorruptRecordException(
                            reader.file().toString(),
                            reader.offset(),
                            "no SCHEMA record for table id " + block.tableId()));
            ByteBuffer payload = Blocks.payload(block, bytes);
            ChangeDecoder decoder = new ChangeDecoder(schema);
            for (int i = 0; i < block.changeCount(); i++) {
                change(schema, decoder.next(payload));
            }
        }
    }

    private final class TextRows extends Rows {
        TextRows(QueueInspector queue, QueueReader reader) {
            super(queue, reader);
        }

        @Override
        public void header(RecordHeader header) {
            view.out()
                    .println("transaction " + header.seq() + " at " + Lsn.format(header.lsn()) + ", id "
                            + header.transactionId() + ", committed " + QueueView.time(header.commitMicros()) + ", "
                            + header.changeCount() + " changes");
        }

        @Override
        void change(TableSchema schema, RowChange change) {
            StringBuilder line =
                    new StringBuilder().append(schema.name()).append(' ').append(change.kind());
            append(line, " old", schema, change.before());
            append(line, "", schema, change.after());
            view.out().println(line);
        }

        private void append(StringBuilder line, String label, TableSchema schema, Object[] image) {
            if (image == null) {
                return;
            }
            line.append(label);
            for (int i = 0; i < image.length; i++) {
                line.append(' ')
                        .append(schema.columns().get(i).name())
                        .append('=')
                        .append(text(image[i]));
            }
        }

        private String text(Object value) {
            if (value == null) {
                return "null";
            }
            if (value == Unchanged.UNCHANGED) {
                return "(unchanged)";
            }
            if (value instanceof byte[] bytes) {
                return "\\x" + HexFormat.of().formatHex(bytes);
            }
            return value instanceof String text
                    ? "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"
                    : value.toString();
        }

        @Override
        public void end(RecordHeader header) {}
    }

    private static final class JsonRows extends Rows {
        private final JsonGenerator json;

        JsonRows(QueueInspector queue, QueueReader reader, JsonGenerator json) {
            super(queue, reader);
            this.json = json;
        }

        @Override
        public void header(RecordHeader header) throws IOException {
            json.writeStartObject();
            QueueList.writeHeader(json, header);
            json.writeArrayFieldStart("rows");
        }

        @Override
        void change(TableSchema schema, RowChange change) throws IOException {
            json.writeStartObject();
            json.writeStringField("table", schema.name().toString());
            json.writeStringField("op", change.kind().name());
            image("before", schema, change.before());
            image("after", schema, change.after());
            json.writeEndObject();
        }

        private void image(String name, TableSchema schema, Object[] image) throws IOException {
            if (image == null) {
                json.writeNullField(name);
                return;
            }
            List<String> unchanged = new ArrayList<>();
            json.writeObjectFieldStart(name);
            for (int i = 0; i < image.length; i++) {
                String column = schema.columns().get(i).name();
                if (image[i] == Unchanged.UNCHANGED) {
                    unchanged.add(column);
                } else {
                    json.writeFieldName(column);
                    write(image[i]);
                }
            }
            json.writeEndObject();
            if (!unchanged.isEmpty()) {
                json.writeArrayFieldStart(name + "Unchanged");
                for (String column : unchanged) {
                    json.writeString(column);
                }
                json.writeEndArray();
            }
        }

        private void write(Object value) throws IOException {
            if (value instanceof byte[] bytes) {
                json.writeString("\\x" + HexFormat.of().formatHex(bytes));
            } else {
                json.writeObject(value);
            }
        }

        @Override
        public void end(RecordHeader header) throws IOException {
            json.writeEndArray();
            json.writeEndObject();
        }
    }
}
