package dev.replicator.forwarder;

import dev.replicator.queue.Position;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.format.RecordHeader;
import dev.replicator.queue.store.StoredRecord;
import dev.replicator.queue.wire.TableSet;
import java.util.List;

/** What a forwarder of the model sends to a lane. */
public sealed interface LaneMessage {
    /** A transaction cut to what the lane carries. */
    record Transaction(RecordHeader header, List<StoredRecord.TableChanges> blocks) implements LaneMessage {}

    /** A SCHEMA record. */
    record Schema(long seq, TableSchema schema) implements LaneMessage {}

    /** A DUMP_MARKER record. */
    record Marker(long seq, String text) implements LaneMessage {}

    /** A watermark. */
    record Passed(Position position) implements LaneMessage {}

    /** A table set. */
    record Tables(TableSet set) implements LaneMessage {}

    /** The stream is over. */
    record Ended(String reason) implements LaneMessage {}
}
