package dev.replicator.capture;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.replicator.queue.ColumnSchema;
import dev.replicator.queue.TableName;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.ValueEncoding;
import dev.replicator.queue.format.TableSchemas;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class SchemaGapTest {
    /** A forwarder that has lost its disk, or whose tail a restored spool has just come up to, must learn of every table. */
    @Test
    void r07ShouldNameWhatTheForwarderDoesNotKnowOrKnowsOfAnEarlierIncarnation() {
        TableSchema same = schema(1, "same", 2);
        TableSchema further = schema(2, "further", 2);
        TableSchema missing = schema(3, "missing", 1);
        TableSchema behind = schema(4, "behind", 3);

        assertEquals(
                List.of(missing, behind),
                SchemaGap.between(
                        new TreeMap<>(Map.of(1, same, 2, further, 3, missing, 4, behind)),
                        List.of(same, schema(2, "further", 5), schema(4, "behind", 2))));
    }

    private static TableSchema schema(int id, String name, int incarnation) {
        ColumnSchema column = new ColumnSchema("id", "bigint", 20, -1, true, ValueEncoding.LONG);
        return TableSchemas.create(id, new TableName("public", name), incarnation, 'd', List.of(column));
    }
}
