package dev.replicator.launcher;

import com.fasterxml.jackson.core.JsonGenerator;
import dev.replicator.queue.Lsn;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.store.QueueInspector;
import dev.replicator.queue.store.SegmentSummary;
import dev.replicator.runtime.cli.Human;
import dev.replicator.runtime.cli.TextTable;
import java.io.IOException;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(name = "describe", description = "What the queue holds: history, segments, tables.")
final class QueueDescribe implements Callable<Integer> {
    @Mixin
    private QueueView view;

    @Override
    public Integer call() {
        return view.with("Cannot describe the queue", queue -> {
            if (view.isJson()) {
                printJson(queue);
            } else {
                printText(queue);
            }
            return 0;
        });
    }

    private void printText(QueueInspector queue) {
        Map<Integer, TableSchema> tables = queue.schemasAt(Long.MAX_VALUE);
        var out = view.out();
        out.println("directory        " + queue.directory());
        out.println("queue id         " + queue.queueId());
        out.println("epoch            " + queue.epoch());
        out.println(
                "transactions     " + queue.firstSeq() + " to " + queue.tail().seq());
        out.println("position         " + Lsn.format(queue.tail().lsn()));
        out.println("source position  " + Lsn.format(queue.sourceLsn()));
        out.println("size             " + Human.bytes(queue.sizeBytes()));
        if (queue.uncommittedBytes() > 0) {
            out.println("unfinished       " + Human.bytes(queue.uncommittedBytes())
                    + " behind the last complete commit group: being written, or cut at the next start");
        }
        out.println();
        TextTable segments = new TextTable("segment", "state", ">first", ">last", ">records", ">size", "tables");
        for (SegmentSummary segment : queue.segments()) {
            segments.row(
                    segment.file().getFileName(),
                    segment.closed() ? "closed" : "open",
                    segment.firstSeq(),
                    segment.lastSeq() < segment.firstSeq() ? null : segment.lastSeq(),
                    Human.count(segment.records()),
                    Human.bytes(segment.sizeBytes()),
                    segment.tableIds().stream()
                            .map(id -> QueueView.tableName(tables, id))
                            .sorted()
                            .collect(Collectors.joining(" ")));
        }
        out.println(segments);
        TextTable list = new TextTable("table", ">id", ">incarnation", ">columns");
        tables.values()
                .forEach(table -> list.row(
                        table.name(),
                        Integer.toUnsignedString(table.tableId()),
                        table.incarnation(),
                        table.columns().size()));
        out.print(list);
        out.flush();
    }

    private void printJson(QueueInspector queue) throws IOException {
        JsonGenerator json = view.json();
        json.writeStartObject();
        json.writeStringField("directory", queue.directory().toString());
        json.writeStringField("queueId", queue.queueId().toString());
        json.writeNumberField("epoch", queue.epoch().number());
        json.writeStringField("epochId", queue.epoch().id().toString());
        json.writeNumberField("firstSeq", queue.firstSeq());
        json.writeNumberField("lastSeq", queue.tail().seq());
        json.writeStringField("position", Lsn.format(queue.tail().lsn()));
        json.writeStringField("sourcePosition", Lsn.format(queue.sourceLsn()));
        json.writeNumberField("bytes", queue.sizeBytes());
        json.writeNumberField("unfinishedBytes", queue.uncommittedBytes());
        json.writeArrayFieldStart("segments");
        for (SegmentSummary segment : queue.segments()) {
            writeSegment(json, segment);
        }
        json.writeEndArray();
        json.writeArrayFieldStart("tables");
        for (TableSchema table : new TreeMap<>(queue.schemasAt(Long.MAX_VALUE)).values()) {
            json.writeStartObject();
            json.writeStringField("table", table.name().toString());
            json.writeNumberField("tableId", Integer.toUnsignedLong(table.tableId()));
            json.writeNumberField("incarnation", table.incarnation());
            json.writeNumberField("columns", table.columns().size());
            json.writeEndObject();
        }
        json.writeEndArray();
        json.writeEndObject();
        view.end(json);
    }

    private static void writeSegment(JsonGenerator json, SegmentSummary segment) throws IOException {
        json.writeStartObject();
        json.writeStringField("file", segment.file().toString());
        json.writeBooleanField("closed", segment.closed());
        json.writeNumberField("epoch", segment.epoch().number());
        json.writeNumberField("firstSeq", segment.firstSeq());
        json.writeNumberField("lastSeq", segment.lastSeq());
        json.writeNumberField("records", segment.records());
        json.writeNumberField("bytes", segment.sizeBytes());
        json.writeArrayFieldStart("tableIds");
        for (int id : segment.tableIds()) {
            json.writeNumber(Integer.toUnsignedLong(id));
        }
        json.writeEndArray();
        json.writeEndObject();
    }
}
