package dev.replicator.slave.state;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;

/**
 * How a copy and its table are compared.
 *
 * @param columns replicated columns that both have; other columns of the table are the slave's own and stay
 * @param key columns that identify a row in both; empty when there are none and all rows are replaced
 * @param definition JSON of the definition the copy was built from, whose keys and indexes it gets
 */
public record CopyLayout(List<String> columns, List<String> key, String definition) {
    private static final ObjectMapper JSON = new ObjectMapper();

    public CopyLayout {
        columns = List.copyOf(columns);
        key = List.copyOf(key);
    }

    String toJson() {
        ObjectNode node = JSON.createObjectNode();
        ArrayNode columnList = node.putArray("columns");
        columns.forEach(columnList::add);
        ArrayNode keyList = node.putArray("key");
        key.forEach(keyList::add);
        node.put("definition", definition);
        return node.toString();
    }

    static CopyLayout fromJson(String json) {
        try {
            JsonNode node = JSON.readTree(json);
            return new CopyLayout(
                    texts(node.required("columns")),
                    texts(node.required("key")),
                    node.required("definition").asText());
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("a restore's layout in schema replicator is damaged: " + json, e);
        }
    }

    private static List<String> texts(JsonNode array) {
        List<String> texts = new ArrayList<>();
        array.forEach(element -> texts.add(element.asText()));
        return texts;
    }
}
