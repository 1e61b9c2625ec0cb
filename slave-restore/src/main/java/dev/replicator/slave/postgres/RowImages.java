package dev.replicator.slave.postgres;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.replicator.queue.RowChange;
import dev.replicator.queue.Unchanged;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Changes as text for the slave's conflict table. They hold row values: never for logs or messages. */
final class RowImages {
    private static final JsonMapper JSON = new JsonMapper();

    private RowImages() {}

    /** {@code {"op":"update","before":{...},"after":{...}}}; values as the server's text, unsent ones left out. */
    static String json(TableBinding binding, RowChange change) {
        ObjectNode node = JSON.createObjectNode();
        node.put("op", change.kind().name().toLowerCase(Locale.ROOT));
        put(node, "before", binding, change.before());
        put(node, "after", binding, change.after());
        return node.toString();
    }

    private static void put(ObjectNode node, String name, TableBinding binding, Object[] image) {
        if (image == null) {
            return;
        }
        ObjectNode values = node.putObject(name);
        for (int i = 0; i < image.length; i++) {
            if (image[i] != Unchanged.UNCHANGED) {
                values.put(binding.schema().columns().get(i).name(), Values.text(image[i]));
            }
        }
    }

    /** {@code id=5, part=2}: the key the row had before the change, or has after an insert; empty without a key. */
    static String key(TableBinding binding, RowChange change) {
        Object[] image = change.before() != null ? change.before() : change.after();
        if (image == null) {
            return "";
        }
        return IntStream.of(binding.locator())
                .mapToObj(i -> binding.schema().columns().get(i).name() + "="
                        + (image[i] == Unchanged.UNCHANGED ? "?" : Values.text(image[i])))
                .collect(Collectors.joining(", "));
    }
}
