package dev.replicator.slave.lane;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.TableSchema;
import dev.replicator.queue.Unchanged;
import java.util.Locale;

/** A change as JSON {@code {"op","before","after"}}, for the conflict table only: never logged. */
final class RowImages {
    private RowImages() {}

    static String json(TableSchema schema, RowChange change) {
        ObjectNode node = JsonNodeFactory.instance.objectNode();
        node.put("op", change.kind().name().toLowerCase(Locale.ROOT));
        row(node, "before", schema, change.before());
        row(node, "after", schema, change.after());
        return node.toString();
    }

    private static void row(ObjectNode node, String name, TableSchema schema, Object[] image) {
        if (image == null) {
            return;
        }
        ObjectNode row = node.putObject(name);
        for (int i = 0; i < image.length; i++) {
            if (image[i] != Unchanged.UNCHANGED) {
                row.put(schema.columns().get(i).name(), MirrorKeys.text(image[i]));
            }
        }
    }
}
